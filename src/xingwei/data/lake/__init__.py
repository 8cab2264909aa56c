"""Extracts to Parquet, canonical datasets and their mappings, the query session (the ground of clauses 1.2, 1.8, 6, 8.5, 8.7)."""
