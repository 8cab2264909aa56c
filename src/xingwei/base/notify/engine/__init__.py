"""The thinking of notification: whom by which channel, how fast, when again, what fits. Pure."""
