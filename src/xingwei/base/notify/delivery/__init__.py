"""Delivering what waits in the outbox: claim, carry, settle.

claiming   what goes out now, lane by lane, in short transactions (FOR UPDATE SKIP LOCKED)
settling   what became of it, by compare-and-set on the claim
running    both, with the calls between them and outside of any transaction
"""
