"""Performance of the systems: slowest statements and functions, their trend and cause, advice with its effect (clause 9.3)."""
