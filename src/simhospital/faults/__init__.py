"""Faults that can be switched on and off in the simulated hospital, and the log of what was really wrong."""
