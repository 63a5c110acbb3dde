"""The ground floor: plain data and plain errors; the standard library only, no I/O, no terminal."""
