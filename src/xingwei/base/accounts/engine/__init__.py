"""Pure thinking about names, passwords and separation of duties: no Django, no I/O."""
