"""``python -m luthier`` is ``luthier``."""

from __future__ import annotations

from luthier.cli import main

if __name__ == "__main__":
    main()
