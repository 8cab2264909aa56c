"""When inspections are due, and how one compares with the last. Pure."""
