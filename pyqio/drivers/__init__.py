"""Block drivers, found by name through pyqio.block.registry."""
