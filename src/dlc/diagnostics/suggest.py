"""Did you mean: the nearest of a set of names."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to ``name``, or None when none is near.

    Near means an edit distance (insertions, deletions, replacements, swaps of neighbours) of at most a third of the
    longer name, or names that differ in case and underscores only. Ties go to the first candidate in order of length,
    then alphabet, so the answer doesn't depend on the order of the candidates.
    """
    if not name or len(name) > 80:
        return None
    best: tuple[int, int, str] | None = None
    plain = _plain(name)
    for candidate in candidates:
        allowed = max(len(name), len(candidate)) // 3
        if candidate == name or len(candidate) > 80:
            continue
        distance = 0 if _plain(candidate) == plain else _distance(name, candidate, max(allowed, 1))
        short = max(len(name), len(candidate)) < 3 and distance > 0
        if short or distance > max(allowed, 1):
            continue
        key = (distance, len(candidate), candidate)
        if best is None or key < best:
            best = key
    return best[2] if best else None


def suggestion(name: str, candidates: Iterable[str]) -> str | None:
    """`did you mean` as a sentence: a candidate with the same letters in another order, or the nearest one."""
    known = list(candidates)
    letters = sorted(name)
    near = next((c for c in known if c != name and sorted(c) == letters), None) or did_you_mean(name, known)
    return f"did you mean `{near}`?" if near else None


def _plain(name: str) -> str:
    return name.replace("_", "").casefold()


def _distance(left: str, right: str, limit: int) -> int:
    """Edit distance with swaps (optimal string alignment), or ``limit + 1`` when it is larger."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        after = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, after[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            after.append(cost)
        if min(after) > limit:
            return limit + 1
        before, row = row, after
    return row[-1]
