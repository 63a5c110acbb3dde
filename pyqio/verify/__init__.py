"""Verification: what the sides of a pair hold, what was done to them, and what is known of their differences."""
