"""The command line does what its help says: results on stdout, complaints on stderr, exit codes as documented."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlc.cli.main import main

ADD = "dl 1\nmodel Add {\n  input a: f32[N]\n  input b: f32[N]\n  output sum: f32[N] = a + b\n}\n"
WRONG = "dl 1\nmodel Add {\n  input a: f32[N]\n  output sum: f32[N] = a + c\n  output two: f32[N] = rleu(a)\n}\n"


@pytest.fixture
def add(tmp_path: Path) -> Path:
    """A right model."""
    path = tmp_path / "add.dl"
    path.write_text(ADD)
    return path


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A model with two mistakes, on lines 4 and 5."""
    path = tmp_path / "wrong.dl"
    path.write_text(WRONG)
    return path


def test_check_says_ok(add: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A right file is ok and exits with 0."""
    assert main(["check", str(add)]) == 0
    assert capsys.readouterr().out == f"{add}: ok\n"


def test_check_finds_every_mistake(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All mistakes of a file are reported with path, line and column; the exit code is 1."""
    assert main(["check", str(wrong)]) == 1
    complaints = capsys.readouterr().err
    assert f"{wrong}:4:28: error" in complaints
    assert f"{wrong}:5:24: error" in complaints
    assert "relu" in complaints


def test_check_as_json(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints one object with a schema and every diagnostic."""
    assert main(["check", str(wrong), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1
    assert [(d["line"], d["column"]) for d in found["diagnostics"]] == [(4, 28), (5, 24)]


@pytest.mark.parametrize("arguments", [
    ["check", "nowhere.dl"], ["check"], ["frobnicate"], ["compile", "nowhere.dl", "--to", "torch", "-o", "out"],
    ["run"], ["explain", "E9999"], ["ops", "frobnicate"],
])
def test_wrong_commands_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command that cannot be understood exits with 2 and says why in one diagnostic."""
    assert main(arguments) == 2
    assert "error[E07" in capsys.readouterr().err


def test_models_of_other_kinds_are_unsupported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What this version cannot read exits with 3."""
    assert main(["summary", str(tmp_path / "x.onnx")]) == 3
    assert ".dl" in capsys.readouterr().err


def test_unknown_target(add: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A target that does not exist exits with 2, names those that do, and writes nothing."""
    assert main(["compile", str(add), "--to", "keraz", "-o", str(tmp_path / "out")]) == 2
    assert "did you mean `keras`" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_fmt_formats_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` fails without touching the file; without it the file is formatted, once."""
    path = tmp_path / "x.dl"
    messy = ADD.replace("  input a: f32[N]", "  input   a:f32[ N ]")
    path.write_text(messy)
    assert main(["fmt", "--check", str(path)]) == 1
    assert path.read_text() == messy
    assert main(["fmt", str(path)]) == 0
    assert path.read_text() == ADD
    assert main(["fmt", "--check", str(path)]) == 0


def test_run_prints_outputs(add: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Literals are inputs, outputs are printed by name, and the engine is named."""
    assert main(["run", str(add), "--input", "a=[1, 2]", "b=[10, 20]", "--engine", "reference"]) == 0
    out = capsys.readouterr().out
    assert "sum: float32[2] = [11, 22]" in out
    assert "engine: reference" in out


def test_run_writes_npz(add: Path, tmp_path: Path) -> None:
    """`-o x.npz` holds one array per output, by name."""
    np.savez(tmp_path / "in.npz", a=np.float32([1, 2]), b=np.float32([3, 4]))
    given = str(tmp_path / "in.npz")
    code = main(["run", str(add), "-i", f"a={given}", "-i", f"b={given}", "-o", str(tmp_path / "out.npz"),
                 "--engine", "reference"])
    assert code == 0
    with np.load(tmp_path / "out.npz") as written:
        assert written.files == ["sum"]
        assert np.array_equal(written["sum"], [4, 6])


@pytest.mark.parametrize(("inputs", "words"), [
    (["a=[1, 2]"], "b"), (["a=[1, 2]", "b=[1, 2, 3]"], "axis 0"), (["a=[1, 2]", "c=[1, 2]"], "c"),
    (["a=[1, 2]", "b=nowhere.npy"], "nowhere.npy"), (["a=[1, 2]", "b=[[1], [2]]"], "rank"),
])
def test_run_refuses_wrong_inputs(add: Path, inputs: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Missing, unknown, misshapen and absent inputs are complaints that name them, never tracebacks."""
    assert main(["run", str(add), "--input", *inputs, "--engine", "reference"]) in (1, 2)
    complaint = capsys.readouterr().err
    assert words in complaint
    assert "Traceback" not in complaint
    assert "E0799" not in complaint


def test_plan_shows_the_peak_beside_its_bound(add: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--plan` needs no inputs: one result of 1000 floats takes 4000 bytes, 4032 in lines of 64."""
    assert main(["run", str(add), "--plan", "--shape", "N=1000"]) == 0
    out = capsys.readouterr().out
    assert "N=1000" in out
    assert "arena: 4,032 bytes; at least 4,032 are needed" in out


def test_summary_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Parameters and multiply-accumulates are those that one computes by hand: 3x3 conv from 2 to 4 channels."""
    path = tmp_path / "m.dl"
    path.write_text("dl 1\nlayout NCHW\nmodel M {\n  input x: f32[N, 2, H, W]\n"
                    "  output y: f32[N, 4, H, W] = x |> conv2d(4, kernel=3, pad=1) @conv |> batch_norm @bn\n}\n")
    assert main(["summary", str(path), "--shape", "x=2,2,5,7", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"] == 4 * 2 * 9 + 4 + 8
    assert found["states"] == 8
    assert found["macs"] == 2 * 4 * 5 * 7 * 2 * 9
    assert found["layers"][0]["outputs"] == ["f32[2, 4, 5, 7]"]


def test_verify_tells_same_from_different(add: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model equals itself; with another operator it differs, and the exit code is 1."""
    other = tmp_path / "other.dl"
    other.write_text(ADD.replace("a + b", "a - b"))
    assert main(["verify", str(add), str(add)]) == 0
    assert main(["verify", str(add), str(other), "--layers"]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_explain_and_ops(capsys: pytest.CaptureFixture[str]) -> None:
    """Codes and operations are explained."""
    assert main(["explain", "e0101"]) == 0
    assert main(["ops", "conv2d"]) == 0
    assert main(["ops"]) == 0
    assert "conv2d(x, channels, kernel" in capsys.readouterr().out


def test_hyper_parameters_are_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--set` gives hyper-parameters: numbers and lists."""
    path = tmp_path / "m.dl"
    path.write_text("dl 1\nmodel M(width: int = 4, extra: int[] = []) {\n  input x: f32[N, 3]\n"
                    "  y = x |> linear(width) @fc\n  for i in 0..len(extra) {\n"
                    "    y = y |> linear(extra[i]) @more\n  }\n"
                    "  output y: f32[N, 7] = y\n}\n")
    assert main(["summary", str(path), "--set", "width=5", "extra=[6,7]", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == (3 * 5 + 5) + (5 * 6 + 6) + (6 * 7 + 7)


def test_a_bug_has_its_own_exit_code(add: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    """An exception that is no diagnostic is called a bug in dlc, without a traceback, and exits with 70."""
    import dlc.journeys.models

    def broken(*args: object, **options: object) -> None:
        raise ZeroDivisionError("oops")
    monkeypatch.setattr(dlc.journeys.models.language, "load", broken)
    assert main(["summary", str(add)]) == 70
    assert "a bug in dlc: ZeroDivisionError: oops" in capsys.readouterr().err


def test_help_needs_no_framework() -> None:
    """`dlc --help` and `dlc check` import neither torch nor tensorflow nor onnx."""
    code = ("import sys; from dlc.cli.main import main; main(['check', sys.argv[1]]); "
            "print(sorted({'torch', 'tensorflow', 'keras', 'onnx', 'onnxruntime'} & set(sys.modules)))")
    example = Path(__file__).parents[2] / "examples" / "mnist.dl"
    done = subprocess.run([sys.executable, "-c", code, str(example)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_model_never_overwrites_itself(add: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Compiling to the path of the source is refused, and the source stays."""
    assert main(["compile", str(add), "--to", "dl", "-o", str(add)]) == 2
    assert "E0713" in capsys.readouterr().err
    assert add.read_text() == ADD


def test_an_edited_model_py_is_kept(add: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model.py that reads otherwise is put aside, with a note, when the folder is written again."""
    out = tmp_path / "out"
    assert main(["compile", str(add), "--to", "torch", "-o", str(out)]) == 0
    (out / "model.py").write_text("# mine\n")
    assert main(["compile", str(add), "--to", "torch", "-o", str(out)]) == 0
    assert (out / "model.py.old").read_text() == "# mine\n"
    assert "model.py.old" in capsys.readouterr().out


def test_the_plan_follows_the_inputs(add: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--plan` with inputs plans for their sizes."""
    assert main(["run", str(add), "--plan", "--input", "a=[1, 2, 3]"]) == 0
    assert "sizes: N=3" in capsys.readouterr().out


@pytest.mark.parametrize("engine", ["reference", "torch", "onnxruntime"])
def test_an_index_outside_its_table_is_no_bug(tmp_path: Path, engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A value that an operation refuses is a finding about the inputs, on every engine."""
    path = tmp_path / "m.dl"
    path.write_text("dl 1\nmodel M {\n  input words: i64[N]\n"
                    "  output y: f32[N, 2] = words |> embedding(5, 2) @e\n}\n")
    assert main(["run", str(path), "--input", "words=[999]", "--engine", engine]) == 1
    assert "error[E053" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--shape", "foo=2"], ["--shape", "a=4", "N=5"]])
def test_shapes_that_mean_nothing(add: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown names and contradictions in `--shape` are refused."""
    assert main(["summary", str(add), *arguments]) == 2
    assert "E0502" in capsys.readouterr().err or "foo" in arguments[1]


def test_standard_input_is_formatted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`dlc fmt -` reads standard input and prints the formatted text."""
    import io
    monkeypatch.setattr("sys.stdin", io.StringIO(ADD.replace("  input a", "   input  a")))
    assert main(["fmt", "-"]) == 0
    assert capsys.readouterr().out == ADD
