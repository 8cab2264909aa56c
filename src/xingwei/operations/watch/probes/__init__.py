"""The kinds of probes, one package each."""
