"""Importing Keras without TensorFlow's start-up log on stderr; the log is shown if the import fails."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dlc.targets.target import need


def start_keras() -> Any:
    """The `keras` module; MissingExtra with the pip line where it is not installed."""
    if "keras" in sys.modules:
        return sys.modules["keras"]
    with _stderr_kept():
        return need("keras", "keras")


@contextmanager
def _stderr_kept() -> Iterator[None]:
    """Hold back what native code writes to the file descriptor of stderr; let it out after an error."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(original, log.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
