"""What is due, what a plan's copies prove, and which of them may go. Pure."""
