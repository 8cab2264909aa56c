"""The interface gateway: channels, message log, routes, transforms, deliveries, breakers (clauses 1.7, 7, 8)."""
