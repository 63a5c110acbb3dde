"""Checking an image: everything that its tables refer to, held against the counts; and repair."""
