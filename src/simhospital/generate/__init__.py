"""Fills the business databases: dictionaries first, then any number of days, set by set, from one seed."""
