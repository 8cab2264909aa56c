"""The room's pages, a module a subject; thin: every write is a service."""
