"""The command line: one thin file per verb; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import sys

from autopeft.cli.app import app
from autopeft.cli.echo import error_line, hide_in_tracebacks
from autopeft.cli.letters import show_other_letters
from autopeft.errors import AutopeftError
from autopeft.shut import shut

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; what went wrong is one message: exit code 2 for what a user can mend, else 1."""
    show_other_letters()
    hide_in_tracebacks()
    try:
        with shut():
            app()
    except AutopeftError as error:
        print(error_line(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
