"""The contract's pages: what was agreed, what is due, what the text leaves open."""
