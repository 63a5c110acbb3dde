"""python -m pyqio."""

import sys

from pyqio.cli.main import main

sys.exit(main())
