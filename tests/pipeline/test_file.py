from __future__ import annotations

from pathlib import Path

import pytest

from feasibility.errors import ProfileError, UsageError
from feasibility.pipeline.file import MAX_STAGES, Reference, read, reference, references
from tests.pipeline.chain_parts import TWO, X, Y, chain, cost, two
from tests.timing_parts import tensor

GOOD = """name: a chain
stages:
  - id: first
    model: ../first.onnx
    repeats: 50
    dims: {batch: 2}
    inputs: {x: user, seed: constant}
    private: true
  - id: second
    model: second.onnx
    inputs: {"y/in": first.out/y.0}
    place: server
    secret: true
result: [second.z, first.out/y.0]
"""


def written(folder: Path, text: str) -> Path:
    """Return a file with this text."""
    path = folder / "chain.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    """Return what is wrong with a file, each as line:col message."""
    path = written(folder, text)
    with pytest.raises(ProfileError) as raised:
        read(path)
    assert all(problem.startswith(f"{path}:") for problem in raised.value.problems)
    return [problem.removeprefix(f"{path}:") for problem in raised.value.problems]


def test_a_file_says_stages_and_what_is_settled(tmp_path: Path) -> None:
    """Every key arrives, and a model is found from the folder of the file."""
    source = read(written(tmp_path, GOOD))
    first, second = source.file.stages
    assert (50, {"batch": 2}, True, False, None) == (
        first.repeats, first.dims, first.private, first.secret, first.place,
    )  # fmt: skip
    assert (1, {}, False, True, "server") == (
        second.repeats, second.dims, second.private, second.secret, second.place,
    )  # fmt: skip
    assert source.models == (f"{tmp_path}/../first.onnx", f"{tmp_path}/second.onnx")
    assert source.file.result == ("second.z", "first.out/y.0")


def test_a_model_called_dash_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage never reads standard input, whatever its model is called."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, TWO.replace("first.onnx", '"-"'))
    assert "./-" == read("chain.yaml").models[0]


def test_a_reference_is_a_stage_and_an_output() -> None:
    """The first dot ends the stage: names of outputs may have dots and slashes."""
    assert Reference("unet", "out/y.0") == reference("unet.out/y.0")
    assert [None] * 4 == [reference(text) for text in ("user", "unet", ".out", "unet.")]


def test_references_stand_where_the_file_has_them(tmp_path: Path) -> None:
    """Inputs and results that name an output are found with their place."""
    found = list(references(read(written(tmp_path, GOOD))))
    assert found == [
        (("stages", 1, "inputs", "y/in"), ("first", "out/y.0")),
        (("result", 0), ("second", "z")),
        (("result", 1), ("first", "out/y.0")),
    ]


def test_every_problem_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    """A file with a dozen mistakes gives a dozen sentences, in file order."""
    text = """stages:
  - id: a.b
    model: x.onnx
    inputs: {x: usr, y: c.out, z: 5}
    place: here
  - id: c
    modl: y.onnx
    repeats: 0
    secret: yes
  - foo
  - id: user
    model: z.onnx
  - id: c
    model: z.onnx
    inputs: {q: c.x, p: d.x}
result: [nope.x, c]
"""
    said = problems(tmp_path, text)
    assert said == [
        "2:9 'a.b' is no id; write letters, digits, - and _, 40 at most",
        "4:17 'usr' is no place where an input comes from; write user, constant or STAGE.output",
        "4:25 stage 'c' does not run before this one; write user, constant or STAGE.output",
        "4:35 5 is not text; quote it",
        "5:12 'here' is not one of 'client' or 'server'",
        "7:5 unknown key 'modl'; did you mean 'model'?",
        "8:14 0 must be at least 1",
        "9:13 'yes' means something else in YAML (bool); quote it or write it plainly",
        "10:5 'foo' should be a record with model",
        "11:9 'user' cannot be an id: inputs come from it",
        "13:9 there is a stage 'c' already",
        "15:25 there is no stage 'd'; write user, constant or STAGE.output",
        "16:10 there is no stage 'nope'; write STAGE.output",
        "16:18 'c' is no place where an input comes from; write STAGE.output",
    ]


@pytest.mark.parametrize(
    ("settled", "said"),
    [
        ("private: true\n    secret: true", "stage 's' is private and secret: neither side may run it"),
        ("private: true\n    place: server", "stage 's' is private: it may not run on the server"),
        ("secret: true\n    place: client", "stage 's' is secret: it may not run on the client"),
    ],
)
def test_demands_that_no_side_can_meet_are_refused(settled: str, said: str, tmp_path: Path) -> None:
    """What contradicts itself is an error of the file, at its place."""
    text = f"stages:\n  - id: s\n    model: m.onnx\n    {settled}\nresult: s.y\n"
    (found,) = problems(tmp_path, text)
    assert found.partition(" ")[2] == said
    assert found.startswith("5:")


def test_an_empty_chain_is_refused(tmp_path: Path) -> None:
    """A chain has a stage and a result."""
    said = problems(tmp_path, "stages: []\nresult: []\n")
    assert ["1:9 stages is empty", "2:9 result is empty"] == said


def test_more_stages_than_can_be_searched_are_refused(tmp_path: Path) -> None:
    """One stage above the limit is said in a sentence."""
    rows = "".join(f"  - {{id: s{n}, model: m.onnx}}\n" for n in range(MAX_STAGES + 1))
    (said,) = problems(tmp_path, f"stages:\n{rows}result: s0.y\n")
    assert said.endswith("21 stages are more than the 20 that can be searched exactly")


@pytest.mark.parametrize("name", ["missing.yaml", "", "a\0b", "x" * 5000])
def test_a_file_that_is_not_there_is_said_so(name: str) -> None:
    """What is no file gives one sentence."""
    with pytest.raises(UsageError, match="is not a file; a chain is a YAML file"):
        read(name)


def test_names_that_the_models_lack_are_said_at_their_place(tmp_path: Path) -> None:
    """Inputs and outputs are held against the graphs, all at once, with what is meant."""
    text = TWO.replace("x: user", "xs: user").replace("first.y", "first.out").replace("second.z", "second.q")
    with pytest.raises(ProfileError) as raised:
        chain(tmp_path, text, two(1, 1))
    said = [problem.removeprefix(f"{tmp_path}/chain.yaml:") for problem in raised.value.problems]
    assert said == [
        "5:13 input 'x' of first comes from nowhere; write where it comes from",
        "5:18 first.onnx has no input 'xs'; did you mean 'x'?",
        "8:17 stage 'first' has no output 'out'; its outputs are 'y'",
        "9:9 stage 'second' has no output 'q'; its outputs are 'z'",
    ]


def test_a_tensor_of_unknown_size_cannot_travel(tmp_path: Path) -> None:
    """Sizes come from the graphs: without them the file has to bind dimensions."""
    unknown = tensor("y")
    object.__setattr__(unknown, "shape", None)
    with pytest.raises(ProfileError, match=r"the size of 'first.y' is unknown; bind the dimensions of first"):
        chain(tmp_path, TWO, [cost(1, (X,), (unknown,)), cost(1, (Y,), (tensor("z", 1),))])
