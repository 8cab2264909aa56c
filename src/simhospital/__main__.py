"""`python -m simhospital`."""

from simhospital.cli import main

main()
