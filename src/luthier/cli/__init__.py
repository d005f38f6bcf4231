"""The command line. ``luthier --help`` loads click and nothing else; a command loads what it needs.

Exit codes, which scripts may rely on:

- 0: done; also when the study was finished before.
- 1: failed: the store, every trial, a proof or a check; the message says which.
- 2: a mistake in the command line or in the study file.
- 130: interrupted (Ctrl-C, SIGTERM); the same command goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

OK, FAILURE, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    _fill_closed_streams()
    try:
        code = execute(arguments)
    except KeyboardInterrupt:  # while the command was loaded
        code = INTERRUPTED
    sys.exit(code)


def _fill_closed_streams() -> None:
    """Put something into the place of closed standard streams (``luthier run >&-``), before a file takes the place."""
    import os

    if sys.stdin is not None and sys.stdout is not None and sys.stderr is not None:
        return
    while (place := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(place)
    sys.stdin = sys.stdin if sys.stdin is not None else open(os.devnull)  # noqa: PTH123, SIM115 - open until the end
    sys.stdout = sys.stdout if sys.stdout is not None else open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr if sys.stderr is not None else open(os.devnull, "w")  # noqa: PTH123, SIM115


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; errors become a message on standard error and an exit code."""
    import os

    import click

    from luthier import errors
    from luthier.cli.program import program

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        code = program.main(args=arguments, prog_name="luthier", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else OK
    except click.ClickException as error:
        import io

        from luthier._foreign_words import COMMAND_OPTIONS
        from luthier.render import clean
        from luthier.store import without_passwords

        if isinstance(error, click.NoSuchOption) and error.option_name in COMMAND_OPTIONS and error.ctx:
            ours = COMMAND_OPTIONS[error.option_name]
            if any(ours in option.opts for option in error.ctx.command.params):
                error = click.UsageError(f"No such option '{error.option_name}'. Did you mean '{ours}'?", error.ctx)
        shown = io.StringIO()
        error.show(file=shown)
        sys.stderr.write(clean(without_passwords(shown.getvalue())))
        return error.exit_code
    except (errors.InvalidFile, errors.InvalidSpace) as error:
        return _complain(error, USAGE)
    except (KeyboardInterrupt, click.Abort) as error:  # click turns the first into the second
        interrupted = error.__cause__ if isinstance(error.__cause__, errors.Interrupted) else error
        return _complain(interrupted, INTERRUPTED) if str(interrupted) else INTERRUPTED
    except errors.LuthierError as error:
        return _complain(error, FAILURE)
    except BrokenPipeError:  # of `luthier show | head`; Python must not complain again when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(f"{where}{error.strerror or error}", FAILURE)


def _complain(error: object, code: int) -> int:
    from luthier.render import clean
    from luthier.store import without_passwords

    sys.stderr.write(f"luthier: {clean(without_passwords(str(error)))}\n")  # whatever it cites of what was typed
    return code
