"""Run `feasible check-profiles`: every kind of profile, every problem of every file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.repositories import ROOT, run

KINDS = {
    "hardware_profiles/m1.yaml": "device m1",
    "hardware_profiles/runtimes/metal.yaml": "runtime metal",
    "network_profiles/4g.yaml": "network 4g",
    "network_profiles/hosts/github-pages.yaml": "host github-pages",
}


def test_every_profile_of_ours_is_fine() -> None:
    """All files that ship pass, one line each."""
    files = sorted(
        path.relative_to(ROOT).as_posix()
        for place in ("hardware_profiles", "network_profiles")
        for path in (ROOT / place).rglob("*.yaml")
    )
    answer = run(ROOT, "check-profiles", *files)
    assert (answer.code, answer.err) == (0, "")
    assert [line.partition(": ")[0] for line in answer.out.splitlines()] == files


@pytest.mark.parametrize("file", KINDS)
def test_the_kind_is_told_from_the_keys(tmp_path: Path, file: str) -> None:
    """A file in any folder, called .yml or nothing at all, is told by what it holds."""
    name = Path(file).stem
    for copy in (f"{name}.yaml", f"{name}.yml", name):
        shutil.copy(ROOT / file, tmp_path / copy)
        answer = run(tmp_path, "check-profiles", copy)
        assert (answer.code, answer.out, answer.err) == (0, f"{copy}: {KINDS[file]} is fine\n", "")


def test_one_wrong_file_hides_nothing(tmp_path: Path) -> None:
    """Files before and after a wrong one are checked, and each problem has its file, line and column."""
    good = (ROOT / "network_profiles/4g.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(good)
    (tmp_path / "b.yaml").write_text(good.replace("rtt:", "rrt:", 1))
    (tmp_path / "c.yaml").write_text(good.replace('"60 ms"', "60", 1))
    (tmp_path / "d.yaml").write_text(good)
    answer = run(tmp_path, "check-profiles", *(f"{name}.yaml" for name in "abcd"))
    assert answer.code == 2
    assert answer.out == "a.yaml: network a is fine\nd.yaml: network d is fine\n"
    first, second = answer.err.splitlines()
    assert first == "error: b.yaml:3:1 unknown key 'rrt'; did you mean 'rtt'?"
    assert second.startswith("error: c.yaml:4:10 60 has no unit")


BAD = {
    "empty": b"",
    "a word": b"hello\n",
    "other keys": b"a: 1\n",
    "wrong types": b"units: 3\n",
    "wrong runtimes": b"unit_kinds: {}\n",
    "wrong networks": b"downlink: [1]\n",
    "wrong hosts": b"file: 1\ntotal: []\n",
    "wrong tables": b"operators: {}\n",
    "several kinds": b"units: 1\ndownlink: 1\n",
    "no YAML": b"units: [\n",
    "deep": b"units: " + b"[" * 3000,
    "alias": b"units: &a [*a]\n",
    "300 kB": b"#" * 300_000,
    "NUL": b"units: \0\n",
    "UTF-16": "units: 1\n".encode("utf-16"),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_file_that_is_wrong_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    """Whatever a file holds, it is refused with sentences that name it."""
    (tmp_path / "x.yaml").write_bytes(content)
    answer = run(tmp_path, "check-profiles", "x.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert all(line.startswith(("error: ", "hint: ")) for line in answer.err.splitlines())
    assert "x.yaml" in answer.err
    assert "failed inside" not in answer.err


@pytest.mark.parametrize("name", ["no.yaml", ".", "", "m1", "a\nb.yaml"])
def test_what_is_no_file_is_a_sentence(tmp_path: Path, name: str) -> None:
    """A missing file, a folder and the name of a profile of ours are no files to check."""
    answer = run(tmp_path, "check-profiles", name)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert "failed inside" not in answer.err


def test_names_of_files_are_data(tmp_path: Path) -> None:
    """Line breaks and escapes in a name write no line of their own and colour nothing."""
    name = "x is fine\n\x1b[31m4g.yaml"
    shutil.copy(ROOT / "network_profiles/4g.yaml", tmp_path / name)
    answer = run(tmp_path, "check-profiles", name)
    assert answer.code == 0
    assert answer.out.count("\n") == 1
    assert "\x1b" not in answer.out


def test_without_a_file_the_command_says_how() -> None:
    """No file at all is a mistake of usage, with an example."""
    answer = run(ROOT, "check-profiles")
    assert answer.code == 2
    assert "feasible check-profiles hardware_profiles/" in answer.err
