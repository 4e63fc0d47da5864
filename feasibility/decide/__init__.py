"""Compare client and server, and say what would flip the answer."""
