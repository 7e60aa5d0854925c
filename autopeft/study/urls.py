"""URLs of databases: their passwords are known to the process that was given them, and to no file of a run."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from autopeft.errors import StudyError
from autopeft.passwords import without_passwords

__all__ = ["kept", "shown", "with_password"]

#: Parameters of a URL that are passwords.
_SECRET = ("password", "passwd", "pwd", "sslpassword")

#: What this process was given, by the same URL without passwords.
_GIVEN: dict[str, str] = {}


def kept(url: str) -> str:
    """Return what of a URL may be written: all but its passwords, which this process remembers."""
    found = _parsed(url)
    if found is None:
        return without_passwords(url)
    query = {name: value for name, value in found.query.items() if name.lower() not in _SECRET}
    plain = URL.create(
        found.drivername, found.username, None, found.host, found.port, found.database, query
    ).render_as_string(hide_password=False)
    if not found.password and len(query) == len(found.query):
        return url
    _GIVEN[plain] = url
    return plain


def shown(url: str) -> str:
    """Return a URL as people may see it; of what is no URL, where a password may stand anywhere, how it begins."""
    if _parsed(url) is not None:
        return without_passwords(url)
    begin, _, rest = url.partition(":")
    return f"{begin}:..." if rest else url


def with_password(url: str) -> str:
    """Return a URL with the password that this process was given with it, if it was.

    Raises:
        StudyError: When its password has signs in it that end it.
    """
    found = _parsed(url)
    if found is not None and "@" in (found.host or ""):
        raise StudyError(
            f"cannot read the storage {shown(url)}: its password has an @ in it; write it as %40, a : as %3A, a / as "
            "%2F and a % as %25, or leave the password out: PGPASSWORD, or a line in ~/.pgpass, gives it to PostgreSQL"
        )
    return _GIVEN.get(url, url)


def _parsed(url: str) -> URL | None:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return None
