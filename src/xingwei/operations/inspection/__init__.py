"""Inspections by calendar with checklists partly run by machine, hazards followed to closure, reports (clauses 9.4, 6.2b)."""
