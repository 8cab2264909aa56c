"""Feishu: robots of groups."""
