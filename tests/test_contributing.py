"""Follow the recipes of CONTRIBUTING.md, and hold both pages for contributors to what is there."""

from __future__ import annotations

import inspect
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import feasibility as fe
from feasibility.cli import answers, gate_options, gates, options
from feasibility.cli.start import main
from feasibility.ir import MICROSOFT_DOMAIN
from feasibility.ops import DEFAULT, contrib
from feasibility.ops.rules import Family
from feasibility.profiles import catalog, hosts
from tests import samples, test_layers
from tests.ops import op_cases, test_rule_docs
from tests.profiles import test_shipped_profiles as shipped

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
PAGES = [PAGE, ROOT / "SECURITY.md"]
NEW = ("acme-", "ferry", "tsv.py")  # what a recipe makes, and nobody has made yet


def section(title: str) -> str:
    """Return what stands under a heading."""
    found = re.search(rf"(?ms)^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def blocks(title: str, language: str) -> list[str]:
    """Return the code of a section."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", section(title))


@pytest.fixture
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a project that has the profiles of the page, each under the name that the page gives it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    for title in ("Add a device", "Add a runtime", "Add a network or a host"):
        names = re.findall(r"(?m)[Tt]his is\s`([^`]+\.yaml)`:$", section(title))
        for name, text in zip(names, blocks(title, "yaml"), strict=True):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("_project")
@pytest.mark.parametrize(
    "title", ["Add a device", "Add a runtime", "Add a network or a host"], ids=lambda title: title.split()[2]
)
def test_commands_print_what_the_page_shows(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each profile of the page is checked as its section says."""
    [(command, output)] = re.findall(r"(?ms)^```console\n\$ ([^\n]+)\n(.*?)^```$", section(title))
    assert 0 == main(shlex.split(command)[1:])
    assert output == capsys.readouterr().out


@pytest.mark.usefixtures("_project")
def test_the_device_passes_what_every_device_passes() -> None:
    """Its sources, ridge point, bandwidth, memory and runtimes are plausible; its peak is the product."""
    board = catalog.device("acme-board")
    shipped.test_every_number_of_a_device_is_sourced(board)
    shipped.test_no_peak_is_a_sustained_benchmark_result(board)
    shipped.test_ridge_points_are_within_what_hardware_has(board)
    shipped.test_bandwidth_stays_below_the_ceiling_of_the_class(board)
    shipped.test_narrower_types_are_at_least_as_fast(board)
    shipped.test_usable_memory_is_at_most_the_capacity(board)
    shipped.test_runtimes_fit_their_units(board)
    assert "acme-board" == catalog.device("acme-board-8gb").id

    row = re.search(r"`(\(\"acme-board\"[^`]+\))`", section("Add a device"))
    assert row is not None
    _, unit, precision, rate = eval(row[1])  # noqa: S307 (our own page)
    assert rate == board.units[unit].peaks[precision].value.value


@pytest.mark.usefixtures("_project")
def test_a_model_is_decided_on_the_device_and_the_link() -> None:
    """What the recipes make can be used at once, by id."""
    answer = fe.decide(samples.cost(), client="acme-board", network="ferry", host=hosts.host("acme-cdn"))
    assert ("acme-board", "ncnn-cpu") == (answer.client.device, answer.client.runtime)
    assert {"620 ms", "acme-cdn"} <= {setting.value for setting in answer.scenario.values()}


@pytest.mark.usefixtures("_project")
def test_the_runtime_passes_what_every_runtime_passes() -> None:
    """Its constants are within what was ever fitted, and as unsure as nobody's measurement is."""
    runtime = catalog.runtime("acme-npu")
    shipped.test_coefficients_are_sourced_and_cover_every_class(runtime)
    shipped.test_coefficients_are_within_what_was_ever_fitted(runtime)
    shipped.test_thin_evidence_is_spread_wide(runtime)
    shipped.test_browsers_and_apps_use_their_own_pool(runtime)


def test_the_operator_counts_what_its_test_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule, registered in a family of its own, passes the row of the page and the style of rules."""
    code, row = blocks("Add an operator", "python")
    names: dict[str, Any] = {**vars(contrib), "family": Family(MICROSOFT_DOMAIN)}
    exec(compile(code, PAGE.name, "exec", dont_inherit=True), names)  # noqa: S102 (our own page)
    [((domain, op_type, since), rule)] = names["family"].rules.items()
    monkeypatch.setattr(op_cases, "DEFAULT", DEFAULT.with_op(domain, op_type, rule, since))

    case = eval(row, vars(op_cases))  # noqa: S307 (our own page)
    case.check()
    assert case.arithmetic == 2 * 6
    assert inspect.isfunction(rule)
    test_rule_docs.test_sections_of_a_rule(rule)


def test_the_format_writes_what_its_test_says() -> None:
    """The module of the page, and the test of the page beside it."""
    module, test = blocks("Add a format", "python")
    tsv = ModuleType("tsv")
    exec(compile(module, "tsv.py", "exec"), vars(tsv))  # noqa: S102 (our own page)
    names: dict[str, Any] = {"tsv": tsv, "cost": samples.cost, "decision": samples.decision}
    exec(compile(test, "test_tsv.py", "exec"), names)  # noqa: S102 (our own page)
    [check] = [value for name, value in names.items() if name.startswith("test_")]
    check()
    assert tsv.render_many([samples.decision()] * 2) == tsv.render(samples.decision()) * 2


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (options, ("Format",)),
        (answers, ("_ONE", "_MANY")),
        (gate_options, ("ReportFormat",)),
        (gates, ("_RENDERERS",)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_tables_that_a_format_goes_into_are_there(module: ModuleType, names: tuple[str, ...]) -> None:
    """Each is named on the page with its file."""
    told = section("Add a format")
    assert Path(inspect.getfile(module)).relative_to(ROOT).as_posix() in told
    for name in names:
        assert f"`{name}`" in told
        assert hasattr(module, name)


def test_the_rooms_are_those_that_the_tests_hold() -> None:
    """The order of the house is said as it is enforced."""
    rooms = re.search(r"(?ms)^```\n(errors .*?)^```$", section("The house"))
    assert rooms is not None
    assert [*test_layers.ORDER] == rooms[1].split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_paths_and_links_lead_to_files(page: Path) -> None:
    """Every path that a page names exists, but for those that a recipe makes."""
    text = page.read_text(encoding="utf-8")
    paths = re.findall(
        r"(?<![\w/.-])((?:feasibility|tests|tools|docs|hardware_profiles|network_profiles)/[\w./*-]*)", text
    )
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [*paths, *links]
    for path in [*paths, *links]:
        if not any(new in path for new in NEW):
            assert list(ROOT.glob(path.rstrip("."))), path


def test_targets_of_make_are_there() -> None:
    """What the page tells to make can be made."""
    targets = re.findall(r"(?m)^make (\w+)", PAGE.read_text(encoding="utf-8"))
    assert len(targets) >= 3
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in targets:
        assert re.search(rf"(?m)^{target}:", makefile), target


def test_tests_and_tables_of_the_page_are_there() -> None:
    """A function or a table of tests that the page names stands in a file that the same section names."""
    named = 0
    for title in re.findall(r"(?m)^## (Add .+)$", PAGE.read_text(encoding="utf-8")):
        files = [ROOT / path for path in re.findall(r"`(tests/[\w/]+\.py)`", section(title))]
        sources = "".join(file.read_text(encoding="utf-8") for file in files if file.exists())
        for name in re.findall(r"`(test_\w+|CASES|RUNTIMES|LINKS)`", section(title)):
            assert re.search(rf"(?m)^(def )?{name}\b", sources), name
            named += 1
    assert named >= 5
