"""A whole hospital to run Xingwei against: business databases, instruments, the insurance centre, faults on demand.

It talks to Xingwei only through the protocols that a real hospital uses; neither imports the other.
"""
