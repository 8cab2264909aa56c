"""The living hospital: systems and instruments that speak real protocols over real sockets, all day."""
