"""How fast `dlc check` is: a source of about one megabyte, end to end; and a `repeat 1000`.

Run: python benchmarks/check_speed.py [rounds]. Prints medians of wall and processor time; the source is generated.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from dlc.diagnostics import Source
from dlc.language import check

MODEL = """
block Unit{i}(c: int, stride: int = 1) (x: f32[N, Cin, H, W]) -> f32[N, c, ceil(H / stride), ceil(W / stride)] {{
  y = x |> conv2d(c, kernel=3, stride=stride, pad=1, bias=false) @conv1 |> batch_norm @bn1 |> relu
    |> conv2d(c, kernel=3, pad=1, bias=false) @conv2 |> batch_norm @bn2
  skip = if stride == 1 and Cin == c {{ x }} else {{ x |> conv2d(c, kernel=1, stride=stride) @down }}
  return relu(y + skip)
}}

## Model number {i}, with a stem, two stages and a head.
model Net{i}(width: int = {width}, classes: int = 10) {{
  input image: f32[N, 3, H, W]
  input extra: f32[N, 16]
  x = image |> conv2d(width, kernel=7, stride=2, pad=3) @stem |> relu |> max_pool(3, stride=2, pad=1)
  x = x |> Unit{i}(width) @a |> Unit{i}(2 * width, stride=2) @b
  features = x |> global_avg_pool
  joined = concat(features, extra |> linear(width) @extra |> gelu, axis=1)
  scores = joined |> layer_norm @norm |> linear(64) @hidden |> relu |> dropout(0.1)
  output logits: f32[N, classes] = scores |> linear(classes) @head   # the classes
  output features: f32[N, 2 * width] = features
}}
"""


def megabyte() -> str:
    """About 1,000,000 characters of models that are all different."""
    parts, size, i = ["dl 1\nlayout NCHW\n"], 0, 0
    while size < 1_000_000:
        parts.append(MODEL.format(i=i, width=16 + i % 48))
        size += len(parts[-1])
        i += 1
    return "".join(parts)


REPEAT = """dl 1
block Layer(inner: int) (x: f32[B, T, D]) -> f32[B, T, D] {
  return x + (x |> layer_norm @norm |> linear(inner) @up |> gelu |> linear(D) @down)
}

model Deep {
  input x: f32[B, T, 64]
  output y: f32[B, T, 64] = x |> repeat %d Layer(256) @h
}
"""


def timed(action: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median seconds of wall and of processor time."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    text = megabyte()
    found = check(Source("big.dl", text))
    assert not found, found[:3]
    wall, cpu = timed(lambda: check(Source("big.dl", text)), rounds)
    print(f"check: {len(text) / 1e3:.0f} KB in {wall:.2f} s, {cpu:.2f} s of processor: "
          f"{len(text) / 1e3 / wall:.0f} KB/s, {len(text) / 1e3 / cpu:.0f} KB/s")
    for count in (1, 10, 1000):
        wall, _ = timed(lambda count=count: check(Source("deep.dl", REPEAT % count)), rounds)  # type: ignore[misc]
        print(f"repeat {count}: {wall * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
