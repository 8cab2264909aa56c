"""DingTalk: robots of groups."""
