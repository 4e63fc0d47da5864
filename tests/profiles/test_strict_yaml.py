"""What the strict reader refuses, and where it says the problem stands."""

import subprocess
import sys

import pytest

from feasibility.errors import ExitCode, ProfileError
from feasibility.folders import MAX_BYTES
from feasibility.profiles.strict_yaml import MAX_DEPTH, Place, parse

REFUSED_AT_ONCE = {
    "": "f.yaml:1:1 the file must hold keys and values, like `name: ...`",
    "- a\n- b\n": "f.yaml:1:1 the file must hold keys and values, like `name: ...`",
    "just text\n": "f.yaml:1:1 the file must hold keys and values, like `name: ...`",
    "a: 1\n---\nb: 2\n": "f.yaml:2:1 a second document starts here; a profile is one",
    "a: &x 1\n": "f.yaml:1:4 anchors and aliases are refused ('x'); repeat the value",
    "a: !!python/object/apply:os.system [ls]\n": (
        "f.yaml:1:4 tags are refused ('tag:yaml.org,2002:python/object/apply:os.system'); quote text instead"
    ),
    "a: !mine 1\n": "f.yaml:1:4 tags are refused ('!mine'); quote text instead",
    "name: x\nunits:\n  gpu: {a\n": "f.yaml:4:1 this is not YAML: did not find expected ',' or '}'",
    "a: 1\n\tb: 2\n": ("f.yaml:2:1 this is not YAML: found a tab character that violates indentation"),
    "a: 'x\x07y'\n": "f.yaml:1:6 control character '\\x07'",
}

REFUSED_WITH_THE_REST = {
    "a: 1\nb: 2\na: 3\n": "f.yaml:3:1 key 'a' is given twice (first in line 1)",
    "a:\n  b: {c: 1, c: 2}\n": "f.yaml:2:13 key 'c' is given twice (first in line 2)",
    "a: 1:30\n": "f.yaml:1:4 '1:30' means something else in YAML (int); quote it or write it plainly",
    "a: 012\n": "f.yaml:1:4 '012' means something else in YAML (int); quote it or write it plainly",
    "a: 0x1F\n": "f.yaml:1:4 '0x1F' means something else in YAML (int); quote it or write it plainly",
    "a: 1_000\n": "f.yaml:1:4 '1_000' means something else in YAML (int); quote it or write it plainly",
    "a: .inf\n": "f.yaml:1:4 '.inf' means something else in YAML (float); quote it or write it plainly",
    "a: [1, no]\n": "f.yaml:1:8 'no' means something else in YAML (bool); quote it or write it plainly",
    "a: 2026-13-45\n": (
        "f.yaml:1:4 '2026-13-45' means something else in YAML (timestamp); quote it or write it plainly"
    ),
    "on: 1\n": "f.yaml:1:1 a key must be text, not 'on'; quote it",
    "5: 1\n": "f.yaml:1:1 a key must be text, not '5'; quote it",
    "<<: {a: 1}\n": "f.yaml:1:1 a key must be text, not '<<'; quote it",
    "? [a, b]\n: 1\n": "f.yaml:1:3 a key must be text, not a collection; quote it",
}


@pytest.mark.parametrize(("text", "problem"), REFUSED_AT_ONCE.items())
def test_what_is_no_plain_yaml_is_refused_at_its_place(text: str, problem: str) -> None:
    """A file that is not one plain mapping raises, naming file, line and column."""
    with pytest.raises(ProfileError) as caught:
        parse(text.encode(), "f.yaml")

    assert (problem,) == caught.value.problems
    assert ExitCode.BAD_INPUT == caught.value.exit_code


@pytest.mark.parametrize(("text", "problem"), REFUSED_WITH_THE_REST.items())
def test_ambiguous_yaml_is_noted_at_its_place(text: str, problem: str) -> None:
    """Duplicate keys and values that YAML 1.1 mangles are problems of the document."""
    document = parse(text.encode(), "f.yaml")

    shown = [f"f.yaml:{p.place.line}:{p.place.column} {p.message}" for p in document.problems]
    assert [problem] == shown


def test_an_alias_without_its_anchor_is_refused_too() -> None:
    """Every alias and every anchor is named, all at once."""
    with pytest.raises(ProfileError) as caught:
        parse(b"a: &one [1]\nb: *one\nc: *two\n", "f.yaml")

    assert ["f.yaml:1:4", "f.yaml:2:4", "f.yaml:3:4"] == [p.split(" ")[0] for p in caught.value.problems]


def test_plain_values_are_read_as_people_read_them() -> None:
    """Text, decimals, true and false, null and dates come out as such."""
    text = b"a: text\nb: '1:30'\nc: 7\nd: -0.5\ne: true\nf: null\ng: 2026-07-20\nh: [1, x]\ni: 2.6e12\n"

    data = parse(text, "f.yaml").data

    assert ["text", "1:30", 7, -0.5, True, None] == [data[key] for key in "abcdef"]
    assert "2026-07-20" == str(data["g"])
    assert ([1, "x"], "2.6e12") == (data["h"], data["i"])


def test_places_of_keys_and_values_are_counted_from_one() -> None:
    """A location leads to the line and column of its key and of its value; unknown ones to the nearest."""
    document = parse("# ü\nunits:\n  gpu:\n    runtimes: [metal, webgpu]\n".encode(), "f.yaml")

    assert Place(4, 5) == document.key_place(("units", "gpu", "runtimes"))
    assert Place(4, 23) == document.value_place(("units", "gpu", "runtimes", 1))
    assert Place(3, 3) == document.key_place(("units", "gpu", "missing"))
    assert Place(2, 1) == document.value_place(())


def test_a_file_over_the_size_limit_is_refused_unread() -> None:
    """One byte too many is too many."""
    with pytest.raises(ProfileError, match="1:1 the file is larger than 256 KiB"):
        parse(b"a: " + b"x" * (MAX_BYTES - 2), "f.yaml")


def test_bytes_that_are_not_text_are_refused() -> None:
    """A file in another encoding says which byte is wrong."""
    with pytest.raises(ProfileError, match=r"f\.yaml:1:1 byte 3 is not UTF-8 text"):
        parse(b"a: \xff\xfe", "f.yaml")


@pytest.mark.parametrize("brackets", [900, 100_000])
def test_deep_nesting_is_refused_before_anything_recursive_sees_it(brackets: int) -> None:
    """Any number of brackets gives one sentence, ours or the parser's, in a process that survives."""
    program = (
        "from feasibility.profiles.strict_yaml import parse\n"
        "from feasibility.errors import ProfileError\n"
        f"try: parse(b'a: ' + b'[' * {brackets}, 'f.yaml')\n"
        "except ProfileError as error: print(*error.problems, sep='\\n')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    (problem,) = result.stdout.splitlines()
    # column 4 holds the second level: the file itself is the first; PyYAML 6.0.4 looks 1,000 levels ahead
    ours = f"f.yaml:1:{MAX_DEPTH + 3} nested deeper than {MAX_DEPTH} levels"
    assert problem == ours or (brackets > 1000 and "maximum nesting depth" in problem)


def test_a_hostile_file_name_is_shown_escaped() -> None:
    """A newline in the name of the file cannot forge a second problem."""
    with pytest.raises(ProfileError) as caught:
        parse(b"", "a\nb.yaml")

    assert caught.value.problems[0].startswith("'a\\nb.yaml':1:1 ")


def test_a_long_value_is_cut_in_the_message() -> None:
    """A message repeats at most the beginning of what a file says."""
    (problem,) = parse(b"a: 0" + b"1" * 5000, "f.yaml").problems

    assert len(problem.message) < 160
