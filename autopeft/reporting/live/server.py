"""Serves the live report on loopback, to whoever has the token and to no other page of the browser."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from autopeft.errors import AutopeftError
from autopeft.reporting.live.state import Live

__all__ = ["LiveServer"]

_HOST = "127.0.0.1"

#: Letters of a request's body at most.
_LONGEST = 1000

#: The page runs its own scripts, asks this server alone, and stands in no other page.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class LiveServer(ThreadingHTTPServer):
    """Serves a run on loopback.

    Args:
        live: The run.
        stop: Ends one of its trials, given by its number.
        port: The port; a free one when 0.

    Attributes:
        url: Where the page is; it holds the token.
    """

    daemon_threads = True

    def __init__(self, live: Live, stop: Callable[[int], None], port: int = 0) -> None:
        self.live, self.stop_trial = live, stop
        self.token = secrets.token_urlsafe(32)
        try:
            super().__init__((_HOST, port), _Handler)
        except OSError as error:
            raise AutopeftError(
                f"cannot listen on port {port} of {_HOST}: {error.strerror}; expected a free one, or leave --port out"
            ) from None

    @property
    def origin(self) -> str:
        """What the page's own requests come from."""
        return f"http://{_HOST}:{self.server_port}"

    @property
    def url(self) -> str:
        """The page's address."""
        return f"{self.origin}/?token={self.token}"


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer
    server_version, sys_version = "autopeft", ""

    def do_GET(self) -> None:
        """Answer with the page, or with what changes."""
        path = urlsplit(self.path).path
        if not self._may():
            return
        if path == "/":
            self._answer(self.server.live.page(), "text/html")
        elif path == "/state":
            self._answer(json.dumps(self.server.live.state()), "application/json")
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")

    def do_POST(self) -> None:
        """Stop a trial."""
        if not self._may(writes=True):
            return
        if urlsplit(self.path).path != "/stop":
            self._refuse(HTTPStatus.NOT_FOUND, "no such page")
            return
        try:
            number = json.loads(self.rfile.read(min(int(self.headers.get("Content-Length", 0)), _LONGEST)))["trial"]
            if type(number) is not int:
                raise TypeError
        except (ValueError, KeyError, TypeError):
            self._refuse(HTTPStatus.BAD_REQUEST, 'expected {"trial": NUMBER}')
            return
        try:
            self.server.stop_trial(number)
        except AutopeftError as error:
            self._refuse(HTTPStatus.CONFLICT, str(error))
            return
        self._answer(json.dumps({"stopped": number}), "application/json")

    def _may(self, *, writes: bool = False) -> bool:
        """Tell whether a request is the page's own; answer it where it is not.

        Host is checked because a name that leads to loopback makes another page's requests look like ours; Origin,
        which browsers set and pages cannot, because other pages may send requests that they cannot read.
        """
        own = urlsplit(self.server.origin).netloc
        origin = self.headers.get("Origin")
        given = parse_qs(urlsplit(self.path).query).get("token", [""])[0]
        if self.headers.get("Host") != own:
            self._refuse(HTTPStatus.FORBIDDEN, "another host")
        elif origin not in ((self.server.origin,) if writes else (None, self.server.origin)):
            self._refuse(HTTPStatus.FORBIDDEN, "another origin")
        elif not hmac.compare_digest(given.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "no token, or another; open the address that `autopeft watch` printed")
        else:
            return True
        return False

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._answer(reason, "text/plain", status)

    def _answer(self, text: str, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", _POLICY)
        for name, value in (
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a request has the token in it."""
