"""Filters: what happens to requests on their way."""
