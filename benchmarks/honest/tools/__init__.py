"""Tools that are compared, each behind one protocol and imported only where it runs."""

from benchmarks.honest.tools.protocol import Tool
from benchmarks.honest.tools.registry import NAMES, make

__all__ = ["NAMES", "Tool", "make"]
