"""Where profiles are found, in which order, and what an override leaves behind."""

import math
import os
from pathlib import Path

import pytest

from feasibility.errors import ProfileError, UnitError, UsageError
from feasibility.profiles import catalog, reading, strict_yaml
from feasibility.units import BitsPerSecond, Seconds

LAB = """\
name: "{name}"
rtt: {{value: "5 ms", evidence: measured, source: "ping"}}
downlink: {{value: "1 Gbit/s", evidence: measured, source: "iperf"}}
uplink: {{value: "1 Gbit/s", evidence: measured, source: "iperf"}}
"""

BOARD = """\
name: "{name}"
vendor: "Acme"
class: edge
year: 2024
default_unit: cpu
units:
  cpu:
    name: "4 cores"
    kind: cpu
    peaks:
      fp32: {{value: "38.4 GFLOP/s", evidence: derived, source: "4 x 1.2 GHz x 8"}}
    bandwidth: {{value: "4 GB/s", evidence: measured, source: "stream"}}
    runtimes: [ncnn-cpu]
memory:
  capacity: {{value: "2 GiB", evidence: vendor, source: "data sheet"}}
aliases: {aliases}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty project folder, with an empty user folder beside it."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for variable in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "config"))
    return folder


def put(folder: Path, name: str, file: str = "lab.yaml") -> Path:
    """Write a link called `name` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(LAB.format(name=name), encoding="utf-8")
    return folder / file


def test_the_project_comes_before_the_user_and_both_before_what_is_built_in(project: Path) -> None:
    """The nearest folder wins, and the profile tells which one it was."""
    built_in = catalog.network("4g")
    put(project.parent / "config" / "feasible" / "network_profiles", "the user's", "4g.yaml")
    of_user = catalog.network("4g")
    put(project / "network_profiles", "the project's", "4g.yaml")
    of_project = catalog.network("4g")

    assert ["4G (LTE)", "the user's", "the project's"] == [p.name for p in (built_in, of_user, of_project)]
    assert [
        "(built in)/network_profiles/4g.yaml",
        "(user folder)/network_profiles/4g.yaml",
        "./network_profiles/4g.yaml",
    ] == [p.origin for p in (built_in, of_user, of_project)]


def test_an_explicit_path_comes_before_everything(project: Path) -> None:
    """What ends like a profile or holds a separator is a path."""
    put(project / "network_profiles", "the project's")
    path = put(project / "elsewhere", "elsewhere", "lab.yml")

    assert "elsewhere" == catalog.network("elsewhere/lab.yml").name
    assert ("elsewhere", "lab") == (catalog.network(path).name, catalog.network(path).id)
    assert "the project's" == catalog.network("lab").name


def test_standing_in_the_repository_changes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository's own folders are what is built in, not a project's."""
    assert project.is_dir()
    monkeypatch.chdir(Path(catalog.__file__).parents[2])

    assert "(built in)/hardware_profiles/m1.yaml" == catalog.device("m1").origin


def test_ids_are_sorted_and_need_no_valid_file(project: Path) -> None:
    """Listing does not load: a broken file is listed beside the built-in ones."""
    before = catalog.network_ids()
    folder = project / "network_profiles"
    folder.mkdir()
    (folder / "broken.yaml").write_text("{", encoding="utf-8")
    for other in ("notes.txt", ".draft.yaml", "._m1.yaml", ".yaml"):
        (folder / other).write_text("", encoding="utf-8")

    assert tuple(sorted((*before, "broken"))) == catalog.network_ids()


def test_only_the_named_profile_is_loaded(project: Path) -> None:
    """A broken neighbour does not matter until it is named."""
    put(project / "network_profiles", "mine")
    (project / "network_profiles" / "broken.yaml").write_text("{", encoding="utf-8")

    assert "mine" == catalog.network("lab").name
    with pytest.raises(ProfileError, match=r"network_profiles/broken\.yaml:2:1 this is not YAML"):
        catalog.network("broken")


def test_a_runtime_of_the_project_may_be_listed_by_a_device(project: Path) -> None:
    """Cross references look in the same folders, by file name alone."""
    path = project / "board.yaml"
    source = Path(catalog.__file__).parents[2] / "hardware_profiles" / "raspberry-pi-5.yaml"
    path.write_text(source.read_text(encoding="utf-8").replace("[ncnn-cpu,", "[mine,"), encoding="utf-8")

    with pytest.raises(ProfileError, match="there is no runtime 'mine'"):
        catalog.device("board.yaml")
    runtimes = project / "hardware_profiles" / "runtimes"
    runtimes.mkdir(parents=True)
    (runtimes / "mine.yaml").write_text("", encoding="utf-8")
    assert "mine" == catalog.device("board.yaml").units["cpu"].runtimes[0]


@pytest.mark.parametrize("name", ["m11", "M1"])
def test_an_unknown_name_gives_the_nearest_and_where_to_look(project: Path, name: str) -> None:
    """One sentence, and the next command as the hint."""
    assert project.is_dir()
    with pytest.raises(UsageError) as caught:
        catalog.device(name)

    assert f"there is no device called {name!r}" == caught.value.message
    assert str(caught.value.hint).endswith("list all with: feasible devices")


def test_a_near_miss_is_named_in_the_hint(project: Path) -> None:
    """A slip of one letter is put right."""
    assert project.is_dir()
    with pytest.raises(UsageError) as caught:
        catalog.network("startlink")

    assert "did you mean 'starlink'? list all with: feasible networks" == caught.value.hint


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b", "x" * 5000, "\x1b[31mred", "m1\n"])
def test_names_that_are_no_names_are_unknown(project: Path, name: str) -> None:
    """Whatever the caller types is one sentence, escaped and short."""
    assert project.is_dir()
    with pytest.raises(UsageError) as caught:
        catalog.device(name)

    assert len(caught.value.message) < 120
    assert caught.value.message.isprintable()


def test_a_path_must_be_a_plain_file(project: Path) -> None:
    """A folder, a device that never ends and a missing file are refused unread."""
    (project / "folder.yaml").mkdir()
    os.mkfifo(project / "pipe.yaml")

    for path, what in (
        ("folder.yaml", "is a folder"),
        ("pipe.yaml", "is not a file"),
        ("missing.yaml", "is not a file"),
        ("nul\0.yaml", "is not a file"),
    ):
        with pytest.raises(UsageError, match=what):
            catalog.device(path)


def test_a_given_rate_or_rtt_remembers_what_the_profile_had(project: Path) -> None:
    """An override has the evidence "given" and names the number it replaced."""
    assert project.is_dir()
    link = catalog.network("4g", rtt="150ms", down=BitsPerSecond(5e6), up="1Mbps")

    assert (0.15, 5e6, 1e6) == (link.rtt.value.value, link.downlink.value.value, link.uplink.value.value)
    assert ["given"] * 3 == [f.evidence for f in (link.rtt, link.downlink, link.uplink)]
    assert "given by the caller; profile 4g says 60 ms" == link.rtt.source
    assert (None, None) == (link.rtt.date, link.rtt.note)


def test_what_is_not_given_stays(project: Path) -> None:
    """Overriding one number leaves the others as they were."""
    assert project.is_dir()
    link, plain = catalog.network("4g", rtt=Seconds(0)), catalog.network("4g")

    assert 0 == link.rtt.value.value
    assert (plain.downlink, plain.uplink, plain.wake_up) == (link.downlink, link.uplink, link.wake_up)


@pytest.mark.parametrize(("argument", "value"), [("rtt", "150"), ("down", "5 MB"), ("up", "fast")])
def test_an_override_needs_its_unit(project: Path, argument: str, value: str) -> None:
    """A bare number or another dimension is refused with an example."""
    assert project.is_dir()
    with pytest.raises(UnitError, match=value):
        catalog.network("4g", **{argument: value})


@pytest.mark.parametrize("rtt", [150, 0.15, BitsPerSecond(1e6), True])
def test_an_override_of_another_kind_is_refused(project: Path, rtt: object) -> None:
    """A number without a unit is no round-trip time, in Python either."""
    assert project.is_dir()
    with pytest.raises(UnitError, match="has no unit; write a time like '150ms'"):
        catalog.network("4g", rtt=rtt)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", ["0 Mbit/s", BitsPerSecond(-1), BitsPerSecond(math.nan)])
def test_a_link_needs_some_rate(project: Path, rate: str | BitsPerSecond) -> None:
    """Zero bits a second would be an endless download."""
    assert project.is_dir()
    with pytest.raises(UsageError, match="is not a link rate that a link can have"):
        catalog.network("4g", down=rate)


@pytest.mark.parametrize("seconds", [-0.001, math.inf, math.nan])
def test_an_rtt_is_a_finite_time(project: Path, seconds: float) -> None:
    """Answers do not arrive before the question."""
    assert project.is_dir()
    with pytest.raises(UsageError, match="is not a time that a link can have"):
        catalog.network("4g", rtt=Seconds(seconds))


def test_no_home_folder_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container user without a home still finds what is built in."""

    def nowhere() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nowhere)

    assert "m1" == catalog.device("m1").id


def board(folder: Path, id_: str, aliases: str, name: str = "Board") -> Path:
    """Write a device with aliases into a project's or a user's folder."""
    folder = folder / "hardware_profiles"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{id_}.yaml").write_text(BOARD.format(name=name, aliases=aliases), encoding="utf-8")
    return folder / f"{id_}.yaml"


def test_an_alias_leads_to_its_device(project: Path) -> None:
    """The device keeps its id, and its origin tells which name led there."""
    board(project, "board", "[acme-one, g4dn.xlarge]")

    assert ("board", "./hardware_profiles/board.yaml, called 'acme-one'") == (
        catalog.device("acme-one").id,
        catalog.device("acme-one").origin,
    )
    assert "board" == catalog.device("g4dn.xlarge").id
    assert ("acme-one", "g4dn.xlarge") == catalog.device("board").aliases


def test_aliases_of_a_block_list_count_too(project: Path) -> None:
    """However YAML writes the list."""
    board(project, "board", "\n  - acme-one\n  - acme-two")

    assert "board" == catalog.device("acme-two").id


def test_an_id_comes_before_an_alias(project: Path) -> None:
    """Even an id that is built in before an alias in the project."""
    board(project, "board", "[m1, acme-one]")
    board(project, "acme-one", "[]", name="The one")

    assert "Apple M1" == catalog.device("m1").name
    assert "The one" == catalog.device("acme-one").name


def test_the_nearest_folder_with_an_alias_wins(project: Path) -> None:
    """An alias in the project comes before the same in the user's folder."""
    board(project.parent / "config" / "feasible", "b-user", "[acme-one]")
    assert "b-user" == catalog.device("acme-one").id
    board(project, "z-project", "[acme-one]")
    assert "z-project" == catalog.device("acme-one").id


def test_an_alias_of_two_devices_in_a_folder_is_refused(project: Path) -> None:
    """Which one is meant, nobody can tell."""
    board(project, "one", "[acme]")
    board(project, "two", "[acme]")

    with pytest.raises(UsageError, match="'acme' is an alias of 'one' and of 'two'") as caught:
        catalog.device("acme")
    assert "name one of them by its id" == caught.value.hint


def test_a_hidden_file_gives_no_alias(project: Path) -> None:
    """A project's device of the same id hides the user's, aliases included."""
    board(project.parent / "config" / "feasible", "board", "[acme-one]")
    board(project, "board", "[]")

    with pytest.raises(UsageError, match="there is no device called 'acme-one'"):
        catalog.device("acme-one")


def test_only_files_with_the_word_are_parsed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id parses its own file; an alias those that hold the word, and a word elsewhere is no alias."""
    board(project, "board", "[acme-one]")
    board(project, "other", "[acme-two]", name="not acme-one")
    board(project, "third", "[acme-three]")
    parsed: list[str] = []

    def parse(text: bytes, name: str) -> strict_yaml.Document:
        parsed.append(Path(name).stem)
        return strict_yaml.parse(text, name)

    for module in (catalog, reading):
        monkeypatch.setattr(module, "parse", parse)
    assert "board" == catalog.device("acme-one").id
    assert {"board", "other"} == set(parsed)
    parsed.clear()
    assert "third" == catalog.device("third").id
    assert ["third"] == parsed


def test_a_near_alias_is_named_in_the_hint(project: Path) -> None:
    """A slip in an alias is put right as one in an id is."""
    board(project, "board", "[acme-phone-15]")

    with pytest.raises(UsageError) as caught:
        catalog.device("Acme-Phone 15")
    assert "did you mean 'acme-phone-15'? list all with: feasible devices" == caught.value.hint


def test_a_broken_file_matters_where_it_seems_to_list_the_alias(project: Path) -> None:
    """Its problem is said then; as a neighbour that holds the word elsewhere, it is passed over."""
    file = board(project, "broken", "[acme-one]")
    file.write_text(file.read_text(encoding="utf-8") + "note: acme-two: {\n", encoding="utf-8")
    board(project, "board", "[acme-two]")

    with pytest.raises(ProfileError, match=r"broken\.yaml:17"):
        catalog.device("acme-one")
    assert "board" == catalog.device("acme-two").id


@pytest.mark.parametrize(
    ("aliases", "problem"),
    [
        ("[Acme]", "16:11 'Acme' is no alias; write lower-case words and digits, like iphone-15-pro"),
        ("[acme one]", "16:11 'acme one' is no alias; write lower-case words and digits, like iphone-15-pro"),
        ("[a-, b]", "16:11 'a-' is no alias; write lower-case words and digits, like iphone-15-pro"),
        ("[a, b, a]", "16:17 alias 'a' is given twice"),
        ("[3]", "16:11 3 is not text; quote it"),
        ("acme", "16:10 'acme' should be a list, like [a, b]"),
    ],
)
def test_an_alias_is_a_word_given_once(project: Path, aliases: str, problem: str) -> None:
    """What cannot be typed as a name is refused with its place."""
    with pytest.raises(ProfileError) as caught:
        catalog.check_device(board(project, "board", aliases))

    assert [problem] == [p.partition("board.yaml:")[2] for p in caught.value.problems]


def test_coefficients_are_of_a_runtime_that_the_unit_lists(project: Path) -> None:
    """Measured terms of another runtime would never be used."""
    file = board(project, "board", "[]")
    terms = """\
    coefficients:
      metal:
        fp32:
          efficiency: {dense: 0.5, pointwise: 0.5, depthwise: 0.5, matmul: 0.5}
          bandwidth_share: {weights: 0.5, activations: 0.5}
          light_bandwidth_share: 0.5
          overhead: "2 us"
          light_overhead: "1 us"
          constant: "0 s"
          sigma: 0.05
          n: 57
          evidence: measured-here
          source: "by hand for this test"
          date: 2026-11-27
memory:
"""
    text = file.read_text(encoding="utf-8").replace("memory:\n", terms)
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ProfileError, match="coefficients of 'metal', which is not among runtimes: ncnn-cpu"):
        catalog.check_device(file)
    file.write_text(text.replace("metal:", "ncnn-cpu:"), encoding="utf-8")
    assert 57 == catalog.check_device(file).units["cpu"].coefficients["ncnn-cpu"]["fp32"].n


def test_all_devices_load_in_the_order_of_their_ids(project: Path) -> None:
    """Each file once, the project's in place of a built-in one of the same id."""
    board(project, "m1", "[]", name="mine")
    found = list(catalog.devices())

    assert list(catalog.device_ids()) == [device.id for device in found]
    assert "mine" == next(device.name for device in found if device.id == "m1")


def test_auto_is_this_machine(project: Path) -> None:
    """No file has to exist, and the origin says what the answer depends on."""
    assert project.is_dir()
    assert ("auto", "(this machine)") == (catalog.device("auto").id, catalog.device("auto").origin)
    assert "auto" not in catalog.device_ids()


def test_auto_is_what_was_measured_here_where_that_exists(project: Path) -> None:
    """The user's my-machine comes before the description, and says so; the project's does not count."""
    board(project, "my-machine", "[]", name="of the project")
    assert "auto" == catalog.device("auto").id
    board(project.parent / "config" / "feasible", "my-machine", "[]", name="calibrated")
    found = catalog.device("auto")

    assert ("my-machine", "calibrated") == (found.id, found.name)
    assert "(user folder)/hardware_profiles/my-machine.yaml, called 'auto'" == found.origin


def test_a_file_called_auto_is_a_device_like_any_other(project: Path) -> None:
    """The first file of a name wins, whatever the name."""
    board(project, "auto", "[]", name="a car")

    assert "a car" == catalog.device("auto").name


def test_built_in_aliases_are_names_of_one_device() -> None:
    """No alias is an id, and none stands in two files."""
    names = [alias for device in catalog.devices() for alias in device.aliases]

    assert len(names) == len(set(names))
    assert not set(names) & {*catalog.device_ids(), "auto"}
