"""Reconciliation of two or three sides: matching, causes, remedies, bridge (clauses 1.8a, 1.8b)."""
