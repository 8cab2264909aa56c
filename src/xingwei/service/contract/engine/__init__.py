"""The contract's thinking: what the text says, where it contradicts itself, what is due, what a quarter is
worth. Pure: no Django, no I/O; usable as a library on any contract that keeps to contract.schema.json."""
