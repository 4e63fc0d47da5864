"""Where profiles are found, in which order, and what an override leaves behind."""

import math
import os
from pathlib import Path

import pytest

from feasibility.errors import ProfileError, UnitError, UsageError
from feasibility.profiles import catalog
from feasibility.units import BitsPerSecond, Seconds

LAB = """\
name: "{name}"
rtt: {{value: "5 ms", evidence: measured, source: "ping"}}
downlink: {{value: "1 Gbit/s", evidence: measured, source: "iperf"}}
uplink: {{value: "1 Gbit/s", evidence: measured, source: "iperf"}}
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
    (folder / "notes.txt").write_text("", encoding="utf-8")

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
