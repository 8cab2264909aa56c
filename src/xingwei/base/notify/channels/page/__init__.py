"""The page inbox: always told, never switched off."""
