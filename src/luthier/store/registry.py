"""The registry of stores, by the scheme of their URLs."""

from __future__ import annotations

import importlib
import re
from typing import Protocol

from luthier import _names
from luthier._hints import translating
from luthier.errors import InvalidSetting
from luthier.store.protocol import Store

GROUP = "luthier.stores"
"""The group of the entry points in which an installed package names the stores that it has."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+")


class StoreFactory(Protocol):
    """A function that opens the store of a URL."""

    def __call__(self, url: str, *, must_exist: bool) -> Store:
        """Open the store.

        Args:
            url: as the user gave it, the scheme included.
            must_exist: refuse to make a new store.
        """
        ...


_registered: dict[str, StoreFactory] = {}


@translating({})
def register_store(scheme: str, factory: StoreFactory) -> None:
    """Have `open_store` open URLs of a scheme by a third party's function, in this process.

    A package that is installed is found in every process, that of the command line too, where its metadata names the
    function in the entry points of the group ``luthier.stores``, by the scheme.

    Args:
        scheme: what comes before ``://``: two characters or more, a lower-case letter and then letters, digits, ``+``,
            ``-`` or ``.``.
        factory: opens the store of a URL.

    Raises:
        InvalidSetting: the text is not a scheme, or is one of Luthier's own.

    Example:
        >>> from luthier.store import Memory, open_store, register_store
        >>> register_store("scratch", lambda url, *, must_exist: Memory())
        >>> open_store("scratch://here")
        Memory()
    """
    if not isinstance(scheme, str) or not _SCHEME.fullmatch(scheme):
        raise InvalidSetting(f"{scheme!r} is not the scheme of a URL: give lower-case letters, such as 'jsonl'")
    if scheme in _names.STORES:
        raise InvalidSetting(f"URLs that begin with {scheme}:// are Luthier's own: choose another scheme")
    if not callable(factory):
        raise InvalidSetting(f"a store is opened by a function of its URL, not by {factory!r}")
    _registered[scheme] = factory


def find_factory(scheme: str) -> StoreFactory | None:
    """Give the function that opens URLs of a scheme; None where no store has registered for them."""
    if scheme in _names.STORES:
        module, _, name = _names.STORES[scheme].partition(":")
        factory: StoreFactory = getattr(importlib.import_module(module), name)
        return factory
    if scheme not in _registered:
        from importlib.metadata import entry_points  # 20 ms

        for point in entry_points(group=GROUP, name=scheme):
            register_store(scheme, point.load())
    return _registered.get(scheme)


def schemes() -> tuple[str, ...]:
    """Name the schemes for which there are stores."""
    from importlib.metadata import entry_points

    return tuple(sorted({*_names.STORES, *_registered, *entry_points(group=GROUP).names}))
