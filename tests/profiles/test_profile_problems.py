"""Every problem of a profile at once, in our words, at its place."""

from pathlib import Path

import pytest

from feasibility.errors import ProfileError
from feasibility.profiles import catalog

DEVICE = """\
name: "Board"
vendor: "Acme"
class: edge
year: 2024
default_unit: cpu
units:
  cpu:
    name: "4 cores"
    kind: cpu
    peaks:
      fp32: {value: "38.4 GFLOP/s", evidence: derived, source: "4 x 1.2 GHz x 8"}
    bandwidth: {value: "4 GB/s", evidence: measured, source: "stream", date: 2026-01-02}
    runtimes: [ncnn-cpu]
memory:
  capacity: {value: "2 GiB", evidence: vendor, source: "data sheet"}
"""

NETWORK = """\
name: "Lab"
rtt: {value: "5 ms", evidence: measured, source: "ping"}
downlink: {value: "1 Gbit/s", evidence: measured, source: "iperf"}
uplink: {value: "1 Gbit/s", evidence: measured, source: "iperf"}
"""

# what to replace, by what, and the one problem that follows
DEVICE_PROBLEMS = [
    ("bandwidth:", "bandwith:", "12:5 unknown key 'bandwith'; did you mean 'bandwidth'?"),
    (
        'name: "4 cores"',
        "colour: blue",
        "8:5 unknown key 'colour'; known are name, kind, peaks, bandwidth, runtimes, threads, coefficients",
    ),
    ('source: "stream"', 'sauce: "stream"', "12:54 unknown key 'sauce'; did you mean 'source'?"),
    (', source: "stream"', "", "12:5 key 'source' is missing"),
    ("vendor:", "id: board\nvendor:", "2:1 unknown key 'id'; the file's name is the id"),
    ("vendor:", "origin: me\nvendor:", "2:1 unknown key 'origin'; the file's name is the id"),
    ('"4 GB/s"', "4", "12:24 4 has no unit; write it quoted, like '68.25 GB/s'"),
    ('"4 GB/s"', "4e9", "12:24 '4e9' has no unit; write a bandwidth like '68.25 GB/s'"),
    ('"4 GB/s"', '"0 GB/s"', "12:24 '0 GB/s' must be more than zero"),
    (
        '"4 GB/s"',
        '"4 Gbit/s"',
        "12:24 '4 Gbit/s': 'Gbit/s' is not a unit of a bandwidth; write it like '68.25 GB/s'",
    ),
    (
        "evidence: measured",
        "evidence: rumour",
        (
            "12:44 'rumour' is not one of 'measured-here', 'measured', 'vendor', 'derived', 'estimate' "
            "or 'given'"
        ),
    ),
    (
        "evidence: measured",
        "evidence: given",
        "12:44 'given' is for numbers of one call; write vendor, measured, derived or estimate",
    ),
    ("2026-01-02", '"soon"', "12:78 'soon' is not a date; write it like 2026-07-20"),
    ('"stream"', '""', "12:62 the text is empty"),
    ("year: 2024", "year: true", "4:7 True is not a whole number"),
    ("year: 2024", "year: 24", "4:7 24 must be at least 1990"),
    ("fp32:", "fp33:", "11:7 'fp33' is not one of 'fp64', 'fp32', 'fp16', 'bf16', 'int8' or 'int4'"),
    ("default_unit: cpu", "default_unit: gpu", "5:15 there is no unit 'gpu'; units are cpu"),
    ("[ncnn-cpu]", "[ncn-cpu]", "13:16 there is no runtime 'ncn-cpu'; did you mean 'ncnn-cpu'?"),
    ("[ncnn-cpu]", "[]", "13:15 at least 1 is needed here"),
    ("[ncnn-cpu]", "ncnn-cpu", "13:15 'ncnn-cpu' should be a list, like [a, b]"),
    (
        '{value: "2 GiB", evidence: vendor, source: "data sheet"}',
        '"2 GiB"',
        "15:13 '2 GiB' should be a record with value, evidence, source",
    ),
]


def write(folder: Path, text: str, name: str = "board.yaml") -> Path:
    """Write a profile and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("old", "new", "problem"), DEVICE_PROBLEMS)
def test_each_mistake_is_one_problem_at_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """A mistake in a device is said once, with line, column and what to write instead."""
    at = DEVICE.rindex(old) if old == "evidence: measured" else DEVICE.index(old)
    path = write(tmp_path, DEVICE[:at] + new + DEVICE[at + len(old) :])

    with pytest.raises(ProfileError) as caught:
        catalog.check_device(path)

    shown = [p.removeprefix(f"{path}:") for p in caught.value.problems]
    assert problem in shown
    assert [problem] == [p for p in shown if "key 'name' is missing" not in p]


def test_all_problems_of_a_file_come_at_once_in_its_order(tmp_path: Path) -> None:
    """The reader's, the model's and the cross references' problems are one list."""
    text = (
        DEVICE.replace('"Board"', "no")
        .replace("edge", "edgy")
        .replace("default_unit: cpu", "default_unit: gpu")
    )
    path = write(tmp_path, text.replace("[ncnn-cpu]", "[ncnn-cpu, mettal]") + "memory: {}\n")

    with pytest.raises(ProfileError) as caught:
        catalog.check_device(path)

    known = "'phone', 'tablet', 'laptop', 'desktop', 'edge', 'server' or 'mcu'"
    assert [
        f"{path}:1:7 'no' means something else in YAML (bool); quote it or write it plainly",
        f"{path}:3:8 'edgy' is not one of {known}",
        f"{path}:5:15 there is no unit 'gpu'; units are cpu",
        f"{path}:13:26 there is no runtime 'mettal'; did you mean 'metal'?",
        f"{path}:16:1 key 'memory' is given twice (first in line 14)",
    ] == list(caught.value.problems)


def test_a_correct_file_loads_with_its_name_as_id(tmp_path: Path) -> None:
    """Values come out in SI units, the id from the file's name, the origin from its path."""
    board = catalog.device(write(tmp_path, DEVICE))

    assert ("board", str(tmp_path / "board.yaml")) == (board.id, board.origin)
    assert 38_400_000_000 == board.units["cpu"].peaks["fp32"].value.value
    assert 2 * 2**30 == board.memory.capacity.value.value


def test_a_fraction_is_no_percentage(tmp_path: Path) -> None:
    """A loss of 2 is not 2 %."""
    text = NETWORK + 'loss: {value: 2, evidence: measured, source: "ping"}\n'

    with pytest.raises(ProfileError, match=r"lab\.yaml:5:15 2 must be less than 1"):
        catalog.check_network(write(tmp_path, text, "lab.yaml"))


def test_an_optional_fact_is_checked_like_a_required_one(tmp_path: Path) -> None:
    """An unknown key inside an optional record still finds its nearest name."""
    text = NETWORK + 'dns: {value: "20 ms", evidense: measured, source: "dig"}\n'

    with pytest.raises(ProfileError) as caught:
        catalog.check_network(write(tmp_path, text, "lab.yaml"))

    (problem,) = caught.value.problems
    assert problem.endswith("lab.yaml:5:23 unknown key 'evidense'; did you mean 'evidence'?")


def test_a_runtime_must_rate_every_class_of_operators(tmp_path: Path) -> None:
    """A class that nobody rated would silently be free."""
    shipped = Path(catalog.__file__).parents[2] / "hardware_profiles" / "runtimes" / "metal.yaml"
    text = shipped.read_text(encoding="utf-8").replace(", matmul: 0.69}", "}")

    with pytest.raises(ProfileError) as caught:
        catalog.check_runtime(write(tmp_path, text, "mine.yaml"))

    (problem,) = caught.value.problems
    assert problem.endswith("no efficiency for matmul; every operator class needs one")


def test_the_example_of_the_documentation_loads(tmp_path: Path) -> None:
    """The device in docs/profiles.md has no problem; with two slips it has the two shown there."""
    page = (Path(catalog.__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    promised = [line for line in page.splitlines() if line.startswith("board.yaml:")]
    slips = example.replace("bandwidth:", "bandwith:").replace("[ncnn-cpu", "[ncn-cpu")

    assert "Edge board" == catalog.check_device(write(tmp_path, example)).name
    with pytest.raises(ProfileError) as caught:
        catalog.check_device(write(tmp_path, slips))
    assert promised == [p.removeprefix(f"{tmp_path}/") for p in caught.value.problems]
