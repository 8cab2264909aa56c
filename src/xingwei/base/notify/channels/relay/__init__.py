"""For a hospital without a way out: a process outside fetches what there is to send."""
