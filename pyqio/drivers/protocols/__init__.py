"""Protocols: where bytes come from."""
