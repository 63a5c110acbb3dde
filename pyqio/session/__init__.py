"""The state of one run: environment, open image, batch."""
