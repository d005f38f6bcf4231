"""JSON for programs: the one way in which results are printed."""

from __future__ import annotations

import json

from luthier.render.text import escaped


def json_text(plain: object) -> str:
    """Write plain values as JSON that people can read, too: indented, and no letter escaped.

    Signs that a terminal would obey, or that turn the direction of writing, are escaped.
    """
    return escaped(json.dumps(plain, indent=2, ensure_ascii=False))
