"""Messages by the thousand: who sends and receives them, and the peers beside."""
