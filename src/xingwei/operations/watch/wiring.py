"""What the watch hands down to lower rooms."""
