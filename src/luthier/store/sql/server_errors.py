"""Errors of a database server as errors of a store, without the secrets and the statements in them."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from luthier.errors import StoreBusy, StoreCorrupt, StoreError, StoreFull, StoreReadOnly
from luthier.store.sql.dialects import ServerVerdict

_LONGEST = 300


def first_line(error: DBAPIError) -> str:
    """Give what the driver says, on one line. SQLAlchemy's own text repeats statements, which nobody needs."""
    args = getattr(error.orig, "args", ())
    text = str(args[-1] if args else error.orig).strip() or type(error.orig).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:_LONGEST]


def translate(error: DBAPIError, verdict: ServerVerdict, where: str) -> StoreError:
    """Say what happened, where, and what to do."""
    why = first_line(error)
    match verdict:
        case ServerVerdict.REFUSED:
            return refused(where, why)
        case ServerVerdict.GONE | ServerVerdict.NOT_NOW:
            return StoreError(
                f"the store {where} cannot be reached ({why}): check host and port, and whether the server is running"
            )
        case ServerVerdict.FORBIDDEN:
            return StoreReadOnly(
                f"the user of {where} may not do this there ({why}): have the owner of the database give the rights to "
                "create tables and to select, insert, update and delete in them; for PostgreSQL from 15 on: "
                "GRANT USAGE, CREATE ON SCHEMA public TO that user"
            )
        case ServerVerdict.READ_ONLY:
            return StoreReadOnly(f"the store {where} takes no writes ({why}): give the URL of the primary server")
        case ServerVerdict.FULL:
            return StoreFull(
                f"no space is left on the server of {where} ({why}): nothing that was acknowledged is lost; make space "
                "there and go on"
            )
        case ServerVerdict.AGAIN:
            return StoreBusy(f"the store {where} was too busy with other writers ({why}); nothing was done. Try again")
        case ServerVerdict.OTHER:
            return StoreError(f"the store {where} could not be used: {why} ({type(error.orig).__name__})")


def refused(where: str, why: str) -> StoreError:
    """Make the error of a server that lets nobody in by this URL."""
    return StoreError(
        f"the store {where} cannot be opened ({why}): check user, password, database and options in the URL"
    )


def damaged(where: str, what: str) -> StoreCorrupt:
    """Make the error of finding damage in tables that are a store's."""
    return StoreCorrupt(f"the store {where} is damaged: {what}. Put back a backup of the database, or of its tables")
