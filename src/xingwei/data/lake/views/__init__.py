"""The lake's pages."""
