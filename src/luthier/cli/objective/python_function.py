"""Objectives that are Python functions: ``module:function``.

The module is looked for beside the study file first.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from luthier._hints import did_you_mean, with_article
from luthier.errors import InvalidFile


@dataclass(frozen=True)
class Function:
    """The name of a function.

    Args:
        module: the name of the module.
        name: of the function in it; dots lead into classes.
        folder: the first place to look for the module.
        fault: makes the exception for a message, with the place in the study file.
    """

    module: str
    name: str
    folder: Path
    fault: Callable[[str], InvalidFile]

    def load(self) -> Callable[..., Any]:
        """Import the module and give the function.

        Worker processes find it by the same `sys.path`.

        Raises:
            InvalidFile: there is no such module or function, or importing it fails.
        """
        folder = str(self.folder)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        importlib.invalidate_caches()
        found: Any = self._module()
        for part in self.name.split("."):
            if not hasattr(found, part):
                known = [name for name in vars(found) if callable(getattr(found, name, None)) and name[0] != "_"]
                there = f"it has {', '.join(known) or 'no functions'}"
                raise self.fault(f"{_where(found)} has no {part!r}{did_you_mean(part, known)}; {there}")
            found = getattr(found, part)
        if not callable(found):
            kind = type(found).__name__
            raise self.fault(f"{self.name} of {self.module} is {with_article(kind)}, not a function of a trial")
        return found  # type: ignore[no-any-return]

    def _module(self) -> ModuleType:
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            if error.name is not None and f"{self.module}.".startswith(f"{error.name}."):
                beside = sorted(path.stem for path in self.folder.glob("*.py"))
                there = f"{str(self.folder)!r}, which has {', '.join(beside) or 'no modules'}"
                raise self.fault(
                    f"there is no module {error.name!r}{did_you_mean(error.name, beside)}; it is looked for in "
                    f"{there}, and among the installed packages",
                ) from None
            raise self._broken(error) from error
        except Exception as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> Exception:
        said = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        if isinstance(error, SyntaxError):
            place = f"{error.filename}, line {error.lineno}"
        else:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{last.filename}, line {last.lineno}"
        return self.fault(f"importing {self.module!r} fails: {said} ({place})")


def _where(found: object) -> str:
    if isinstance(found, ModuleType):
        return f"the module {found.__name__!r} ({getattr(found, '__file__', None) or 'built in'})"
    return f"{getattr(found, '__name__', found)!r}"
