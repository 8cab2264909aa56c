"""Pure thinking of watching: no Django, no network, no files."""
