"""Two-way labelling at least cost: a minimum cut, by shortest augmenting paths.

The capacities here are few and small (a handful of transposes), so that the number of augmentations is small too,
however large the graph is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

_SOURCE, _SINK = 0, 1
_WITHOUT_LIMIT = 1 << 40


class Labels:
    """Variables that are false or true, and what it costs when some of them differ."""

    def __init__(self) -> None:
        self._edges: list[dict[int, int]] = [{}, {}]

    def variable(self) -> int:
        """A new variable."""
        self._edges.append({})
        return len(self._edges) - 1

    def pin(self, variable: int, label: bool) -> None:
        """The variable has this label."""
        if label:
            self._edge(variable, _SINK, _WITHOUT_LIMIT)
        else:
            self._edge(_SOURCE, variable, _WITHOUT_LIMIT)

    def same(self, a: int, b: int) -> None:
        """Both have one label."""
        self._edge(a, b, _WITHOUT_LIMIT)
        self._edge(b, a, _WITHOUT_LIMIT)

    def together(self, variables: Iterable[int], cost: int) -> None:
        """`cost` is paid once unless all of them have one label."""
        group = list(dict.fromkeys(variables))
        if len(group) < 2:
            return
        if len(group) == 2:
            self._edge(group[0], group[1], cost)
            self._edge(group[1], group[0], cost)
            return
        into, out = self.variable(), self.variable()
        self._edge(into, out, cost)
        for variable in group:
            self._edge(variable, into, _WITHOUT_LIMIT)
            self._edge(out, variable, _WITHOUT_LIMIT)

    def solve(self, *, prefer: bool) -> list[bool]:
        """The label of every variable at least total cost; among equal solutions, as many as possible `prefer`."""
        while (path := self._path()) is not None:
            amount = min(self._edges[a][b] for a, b in path)
            for a, b in path:
                self._edges[a][b] -= amount
                self._edges[b][a] = self._edges[b].get(a, 0) + amount
        if prefer:
            kept = self._reached(_SOURCE)
            return [v not in kept for v in range(len(self._edges))]
        reversed_edges: list[dict[int, int]] = [{} for _ in self._edges]
        for a, edges in enumerate(self._edges):
            for b, capacity in edges.items():
                reversed_edges[b][a] = capacity
        self._edges = reversed_edges
        kept = self._reached(_SINK)
        return [v in kept for v in range(len(self._edges))]

    def _edge(self, a: int, b: int, capacity: int) -> None:
        self._edges[a][b] = self._edges[a].get(b, 0) + capacity

    def _path(self) -> list[tuple[int, int]] | None:
        """A shortest way from source to sink that has capacity left."""
        came: dict[int, int] = {_SOURCE: _SOURCE}
        queue = deque([_SOURCE])
        while queue:
            here = queue.popleft()
            for there, capacity in self._edges[here].items():
                if capacity > 0 and there not in came:
                    came[there] = here
                    if there == _SINK:
                        return _trace(came)
                    queue.append(there)
        return None

    def _reached(self, start: int) -> set[int]:
        seen = {start}
        queue = deque([start])
        while queue:
            for there, capacity in self._edges[queue.popleft()].items():
                if capacity > 0 and there not in seen:
                    seen.add(there)
                    queue.append(there)
        return seen


def _trace(came: dict[int, int]) -> list[tuple[int, int]]:
    path: list[tuple[int, int]] = []
    here = _SINK
    while here != _SOURCE:
        path.append((came[here], here))
        here = came[here]
    return path
