"""Traces of runs that are kept in the repository: a packed file of JSON lines for each optimizer."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.fidelity.results import LEAST

KEPT = Path(__file__).parents[1] / "results" / "fidelity"
"""Where they are."""
_FALL = 0.99
"""A point of a trace is kept where the regret is below this share of that of the point before."""
_FIELDS = ("name", "task", "seed", "high", "seconds")


def keep(rows: Iterable[Mapping[str, Any]], folder: Path = KEPT) -> None:
    """Write runs, and those that the folder has already, sorted, so that the same runs give the same files."""
    known = {_key(row): row for row in read(folder)}
    known |= {_key(row): {**row, "trace": thinned(row["trace"])} for row in rows}
    folder.mkdir(parents=True, exist_ok=True)
    for name in {name for name, _, _ in known}:
        lines = [
            json.dumps([*(known[key][field] for field in _FIELDS), known[key]["trace"]], separators=(",", ":"))
            for key in sorted(known)
            if key[0] == name
        ]
        packed = gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)
        (folder / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.jsonl.gz").write_bytes(packed)


def read(folder: Path = KEPT) -> list[dict[str, Any]]:
    """Give the runs that were kept."""
    rows = []
    for file in sorted(folder.glob("*.jsonl.gz")):
        for line in gzip.decompress(file.read_bytes()).decode().splitlines():
            *fields, trace = json.loads(line)
            rows.append(dict(zip(_FIELDS, fields, strict=True)) | {"trace": trace})
    return rows


def thinned(trace: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Leave out what changes a regret by less than a hundredth, and what lies below the least one that counts."""
    found: list[tuple[int, float]] = []
    for spent, regret in trace:
        counts = float(f"{max(regret, LEAST):.3g}")
        if not found or counts < _FALL * found[-1][1]:
            found.append((spent, counts))
    return found


def _key(row: Mapping[str, Any]) -> tuple[str, str, int]:
    return row["name"], row["task"], row["seed"]
