"""``python -m pyqio.cli.emit [FOLDER]``: write completions/ and man/ into a checkout, the current folder by default."""

from __future__ import annotations

import sys
from pathlib import Path

from pyqio.cli.emit import files

if __name__ == "__main__":
    top = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    for name, text in files():
        (top / name).write_text(text)
