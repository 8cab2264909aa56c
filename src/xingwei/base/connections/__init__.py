"""Business databases: drivers, encrypted credentials, read-only proof, throttle, quiet hours (the ground of clauses 1.8, 6, 8)."""
