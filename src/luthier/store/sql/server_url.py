"""The URLs of database servers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from luthier.errors import InvalidSetting, MissingDependency
from luthier.store.sql.dialects import DIALECTS
from luthier.store.url_secrets import shown_place

if TYPE_CHECKING:
    from luthier.store.sql.server_store import ServerStore

_FORM = "give user, host and database, as in {scheme}://user:password@host/database"


def open_server(url: str, *, must_exist: bool = False) -> ServerStore:
    """Open ``postgresql://user:password@host/database``, or ``mysql://…`` or ``mariadb://…``.

    Raises:
        MissingDependency: SQLAlchemy or the driver is not installed.
        InvalidSetting: the URL is not of this form.
        StoreError: see `ServerStore`.
    """
    dialect = DIALECTS[url.partition("://")[0].lower()]
    _check(url, dialect.extra, dialect.driver)
    from luthier.store.sql.server_store import ServerStore

    return ServerStore(url, must_exist=must_exist)


def _check(url: str, extra: str, driver: str) -> None:
    """Make sure of the form of a URL, and of what it takes to connect.

    Args:
        url: as the user gave it.
        extra: the extra of Luthier that installs what is needed.
        driver: the module that talks to the server.

    Raises:
        MissingDependency, InvalidSetting: as of `open_server`; the message repeats no secret.
    """
    scheme, _, rest = url.partition("://")
    try:
        for module in ("sqlalchemy", driver):
            importlib.import_module(module)
    except ImportError as error:
        raise MissingDependency(
            f"stores at {scheme}:// need SQLAlchemy and {driver} ({error}): pip install 'luthier[{extra}]'"
        ) from None
    login, _, _ = rest.partition("?")[0].rpartition("@")
    if "@" in login.partition(":")[2]:
        raise InvalidSetting(f"{shown_place(url)!r} has an '@' in the password: write it as %40, a space as %20")
    database = rest.partition("?")[0].rpartition("@")[2].partition("/")[2]
    if not database or "/" in database:
        raise InvalidSetting(f"{shown_place(url)!r} names no database: {_FORM.format(scheme=scheme)}")
