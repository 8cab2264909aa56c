"""Every write of the lake: mappings, extracts, quality."""
