"""Entry point of `dlc`: runs a command and turns everything that can go wrong into a message and an exit code.

0 done, 1 a finding, 2 the command is wrong, 3 unsupported, 4 a missing extra, 70 a bug in dlc, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from cyclopts import CycloptsError

from dlc.cli.commands import app
from dlc.cli.show import complain
from dlc.diagnostics import Diagnostic, DlcError, MissingExtra, Unsupported, UsageError

BUG, INTERRUPTED = 70, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code. Never shows a traceback without `--debug`."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in tokens
    tokens = [t for t in tokens if t != "--debug"]
    if "-" in tokens and "--" not in tokens:
        tokens.insert(tokens.index("-"), "--")  # a lone dash is standard input, not an option
    if not debug:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up log is not for stderr
    try:
        result = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except DlcError as error:
        complain(error.diagnostics, as_json="--json" in tokens)
        return exit_code(error)
    except CycloptsError as error:
        message = " ".join(str(error).split())
        complain([Diagnostic("E0700", message, None, hint="`dlc --help`, `dlc COMMAND --help`")],
                 as_json="--json" in tokens)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        complain([Diagnostic("E0714", f"`{error.filename}`: {error.strerror}", None,
                             hint="look at the paths that the command names")], as_json="--json" in tokens)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _bug(error, debug)


def exit_code(error: DlcError) -> int:
    """The exit code that says what kind of error it is."""
    kinds: list[tuple[type[DlcError], int]] = [(UsageError, 2), (Unsupported, 3), (MissingExtra, 4)]
    return next((code for kind, code in kinds if isinstance(error, kind)), 1)


def _bug(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    text = f"a bug in dlc: {type(error).__name__}: {error}"
    complain([Diagnostic("E0799", text, None, hint="run again with `--debug` and report what it prints")])
    return BUG


if __name__ == "__main__":
    sys.exit(main())
