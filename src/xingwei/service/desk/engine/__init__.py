"""The desk's thinking: pure, typed, usable without Django."""
