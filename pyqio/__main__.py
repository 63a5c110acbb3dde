"""python -m pyqio."""

from pyqio.cli import main

main()
