"""Long lines are broken as `ruff format` breaks them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dlc.targets.source.layout import wrap

_NAMES = [f"argument_number_{i}" for i in range(12)]
LINES = [
    "x = f(a, b)",
    f"x = f({', '.join(_NAMES[:5])}, {', '.join(_NAMES[:2])})",
    f"x = f({', '.join(_NAMES)})",
    f"self.blocks = nn.ModuleList([{', '.join(f'Block({n}, kernel=3)' for n in _NAMES[:6])}])",
    f"self.blocks = nn.ModuleDict({{{', '.join(f'{n!r}: Block(3)' for n in _NAMES[:7])}}})".replace("'", '"'),
    f"return outer(inner({', '.join(_NAMES[:6])}), {', '.join(_NAMES[6:9])}, text=\"a, (b\")",
    f"return {', '.join(_NAMES[:3])}, f({', '.join(_NAMES[3:7])})",
    f"x = f({', '.join(_NAMES[:5])}) + weight - g(bias + 1)",
    f"return first({', '.join(_NAMES[:3])}).second({', '.join(_NAMES[3:8])})",
]


@pytest.mark.parametrize("line", LINES)
def test_agrees_with_ruff(line: str) -> None:
    """`ruff format` leaves a broken line as it is."""
    source = "\n".join(["def f(x):", *wrap(f"    {line}")]) + "\n"
    done = subprocess.run([sys.executable, "-m", "ruff", "format", "--line-length", "120", "-"], input=source,
                          capture_output=True, text=True, check=True)
    assert done.stdout == source


def test_comment_stays_at_the_head() -> None:
    """A comment at the end of a line that is broken goes to its first part."""
    lines = wrap(f"x = f({', '.join(_NAMES)})  # [N, 3]")
    assert lines[0] == "x = f(  # [N, 3]"
    assert all(len(line) <= 120 for line in lines)
