"""The channels, one package each, as Healthchecks keeps its integrations: transport, form, help, tests.

A transport turns a message into calls (engine.wire) and judges the answers. It does no I/O: who carries the
calls is carry.py, in this process or in a relay's.
"""
