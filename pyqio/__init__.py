"""pyqio: a shell, and a library, for testing block drivers."""

__version__ = "0.1.0"
