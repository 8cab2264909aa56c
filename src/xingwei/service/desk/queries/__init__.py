"""Reading the desk: clocks as people see them, the ledger, what is similar, what a call is probably about."""
