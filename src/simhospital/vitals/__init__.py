"""What a monitor can measure of the hospital: hosts, networks, programs, functions, changes, files, certificates."""
