"""Monitoring, fault triage, performance advice, inspections, proof of backups (clauses 1.7a, 1.9a, 7.1b, 8.1, 8.2, 9.3, 9.4)."""
