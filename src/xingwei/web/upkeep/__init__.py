"""Keeping an installation well: processes, queue, backups, and what `xingwei doctor` looks at."""
