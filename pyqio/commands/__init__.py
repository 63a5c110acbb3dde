"""Commands: typed, returning results, printing nothing."""
