"""What the host's kernel offers to the drivers that keep their bytes in a file or on a device of the host."""
