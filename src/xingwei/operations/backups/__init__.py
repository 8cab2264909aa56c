"""Proof of backups: taken, verified, restored and row-checked; schedules and retention (clauses 6.1a, 1.9a)."""
