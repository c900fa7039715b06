"""How long compiling takes, and how much memory a large model needs while it is compiled.

Run: python benchmarks/compile_speed.py [--large FOLDER]. ResNet-50 is compiled to each target in a process of its own;
the import of the framework is timed apart. With --large a model of a billion parameters (4 GB of random weights) is
written to FOLDER and compiled; the peak of resident memory is given beside the size of the weights.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).parents[1] / "examples"
IMPORTS = {"torch": "import torch, safetensors.torch", "keras": "import keras", "onnx": "import onnx, onnxruntime"}

CHILD = """
import os, resource, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
start, cpu = time.perf_counter(), time.process_time()
exec(sys.argv[1])
imported, cpu_imported = time.perf_counter(), time.process_time()
from dlc.cli.main import main
code = main(sys.argv[2:])
print()
print(code, imported - start, time.perf_counter() - imported, time.process_time() - cpu_imported,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


def compiled(target: str, arguments: list[str]) -> tuple[float, float, float, float]:
    """Seconds of importing, of compiling (wall, processor), and peak resident gigabytes."""
    done = subprocess.run([sys.executable, "-c", CHILD, IMPORTS[target], "compile", *arguments, "--to", target],
                          capture_output=True, text=True, check=True)
    code, importing, wall, processor, peak = map(float, done.stdout.splitlines()[-1].split())
    assert code == 0, done.stdout + done.stderr
    return importing, wall, processor, peak


def resnet() -> None:
    model = [str(EXAMPLES / "resnet.dl"), "--set", "unit=Bottleneck", "depths=[3,4,6,3]"]
    for target in IMPORTS:
        for check in ("--no-verify", "--verify"):
            with tempfile.TemporaryDirectory() as folder:
                importing, wall, processor, _ = compiled(target, [*model, "-o", f"{folder}/out", check])
            print(f"ResNet-50 to {target:5} {check:12}: {wall:5.2f} s, {processor:5.2f} s of processor, "
                  f"after {importing:.2f} s of importing")


def large(folder: Path) -> None:
    layers, width = 15, 8192
    (folder / "large.dl").write_text(
        'dl 1\nweights "large.safetensors"\n'
        "block Layer (x: f32[N, D]) -> f32[N, D] {\n  return x |> linear(D, bias=false) @fc |> relu\n}\n"
        f"model Large {{\n  input x: f32[N, {width}]\n"
        f"  output y: f32[N, {width}] = x |> repeat {layers} Layer @h\n}}\n")
    size = width * width * 4
    places = {f"h.{i}.fc.weight": {"dtype": "F32", "shape": [width, width], "data_offsets": [i * size, (i + 1) * size]}
              for i in range(layers)}
    header = json.dumps(places).encode()
    header += b" " * (-len(header) % 8)
    matrix = np.random.default_rng(0).standard_normal((width, width), dtype=np.float32) / width
    with (folder / "large.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for _ in range(layers):
            file.write(matrix.tobytes())
    for target in IMPORTS:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            _, wall, _, peak = compiled(target, [str(folder / "large.dl"), "-o", f"{out}/out", "--no-verify"])
        print(f"{layers * width**2 / 1e9:.2f} billion parameters ({layers * size / 1e9:.1f} GB) to {target:5}: "
              f"{wall:.0f} s, peak {peak:.1f} GB resident")


def main() -> None:
    resnet()
    if "--large" in sys.argv:
        large(Path(sys.argv[sys.argv.index("--large") + 1]))


if __name__ == "__main__":
    main()
