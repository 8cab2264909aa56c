"""What statements cost, how that changes, and what a plan gives away. Pure."""
