"""The journal's thinking: which bytes of an entry are hashed, how they are chained and verified. Pure."""
