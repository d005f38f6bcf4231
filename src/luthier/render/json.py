"""JSON for programs: the one way in which results are printed."""

from __future__ import annotations

import json


def json_text(plain: object) -> str:
    """Write plain values as JSON that people can read, too: indented, and no letter escaped."""
    return json.dumps(plain, indent=2, ensure_ascii=False)
