"""python -m pyqio."""

import sys

from pyqio.cli import main

sys.exit(main())
