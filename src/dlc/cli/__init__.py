"""The command line: arguments in, diagnostics out; what it does is in `dlc.journeys`."""

from dlc.cli.main import main

__all__ = ["main"]
