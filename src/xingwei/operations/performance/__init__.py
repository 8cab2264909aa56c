"""Performance of the systems: slowest statements and functions, their trend and cause, advice followed to its effect (clause 9.3)."""
