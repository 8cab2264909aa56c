"""Text messages and calls by any HTTP gateway."""
