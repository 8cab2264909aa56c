"""The demonstration: an invented hospital, its people, and a year of its cases."""

PASSWORD = "Xingwei-2026"  # noqa: S105 - printed on the screen at every start
# The accounts that the start shows, by what a visitor wants to see first.
SHOWN = ("zhou", "wang", "he", "tang", "li", "yang", "zheng", "sysadmin", "secadmin", "audadmin", "jiang")
