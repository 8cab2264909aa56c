"""The rota's thinking: patterns, coverage, chains, attendance, calendars for phones. No Django, no I/O."""
