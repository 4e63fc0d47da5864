from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feasibility import api
from feasibility.cli import options, start
from feasibility.cost import ModelCost
from feasibility.decide import scenario
from feasibility.decide.records import DEFAULT_CONFIDENCE, Decision, Verdict
from feasibility.errors import ModelError
from tests.samples import cost, decision

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace reading and deciding by samples, and record what they were asked."""
    asked: list[dict[str, Any]] = []

    def profile(path: str, **choices: Any) -> ModelCost:  # noqa: ANN401 (whatever the command passes)
        asked.append({"path": path, **choices})
        return cost(path=path)

    def decide(model: ModelCost, **choices: Any) -> Decision:  # noqa: ANN401 (as above)
        asked.append(choices)
        verdict = Verdict.UNDECIDED if choices.get("client") == "doubtful" else Verdict.CLIENT
        return decision(model, verdict=verdict)

    monkeypatch.setattr(start, "_start_worker", lambda _: None)
    monkeypatch.setattr(api, "profile", profile)
    monkeypatch.setattr(api, "decide", decide)
    return asked


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a runner that gives exit code, output and talk."""

    def command(*words: str) -> tuple[int, str, str]:
        code = start.main(words)
        return code, *capsys.readouterr()

    return command


@pytest.mark.parametrize(
    "words",
    [
        ("m.onnx", "-d", "m1"),
        ("check", "m.onnx", "-d", "m1"),
        ("-d", "m1", "m.onnx"),
        ("--device", "m1", "--", "m.onnx"),
    ],
)
def test_check_may_be_left_out(words: tuple[str, ...], calls: list[dict[str, Any]], run: Run) -> None:
    """A first word that is no command is a model, and options may come first."""
    assert run(*words)[0] == 0
    assert (calls[0]["path"], calls[1]["client"]) == ("m.onnx", "m1")


def test_every_choice_reaches_the_decision(calls: list[dict[str, Any]], run: Run) -> None:
    """Options arrive as given, marked as chosen on the command line."""
    given = {
        "runtime": "wasm", "precision": "int8", "network": "4g", "rtt": "150ms", "down": "9Mbit/s",
        "up": "1Mbit/s", "server": "t4", "server_precision": "fp32", "payload": "1MB", "max_download": "9MB",
        "response": "2kB", "host": "github-pages", "cdn_rtt": "20ms",
        "traffic": "9/s", "p99": "1s", "compress": "br", "weights": "w.bin",
    }  # fmt: skip
    options = [word for name, value in given.items() for word in ("--" + name.replace("_", "-"), value)]
    shares = ["--calls", "7", "--confidence", "0.9", "--cache-hit", "0.5", "--fps", "30", "--max-batch", "4"]
    run("m.onnx", "-d", "m1/cpu", *options, *shares, "--offline", "--secret-model", "--resumed")
    expected = given | {
        "calls": 7,
        "cache_hit": 0.5,
        "fps": 30.0,
        "max_batch": 4,
        "cold": False,
        "offline": True,
        "private_input": False,
        "resumed": True,
        "secret_model": True,
        "confidence": 0.9,
        "client": "m1/cpu",
        "origin": "command line",
    }
    assert expected == calls[1]


def test_dims_reach_the_reader(calls: list[dict[str, Any]], run: Run) -> None:
    """`--dim` binds by name; the last equals sign separates, as a name may hold one."""
    run("m.onnx", "--dim", "batch=2", "--dim", "a=b=3")
    assert calls[0]["dims"] == {"batch": 2, "a=b": 3}


@pytest.mark.parametrize(
    "given", ["batch", "=3", "batch=", "batch=-1", "batch=1.5", "batch=²", "a=" + "9" * 5000]
)
def test_a_dim_that_is_no_pair_is_refused(given: str, calls: list[dict[str, Any]], run: Run) -> None:
    """Anything but NAME=N ends in one sentence and exit code 2."""
    code, out, err = run("m.onnx", "--dim", given)
    assert (code, out, calls) == (2, "", [])
    assert err.startswith(f"error: --dim {given!r} is not a name and a whole number\nhint: ")


def test_a_dim_given_twice_is_refused(calls: list[dict[str, Any]], run: Run) -> None:
    """Two values for one dimension are a mistake, not a last word."""
    assert run("m.onnx", "--dim", "a=1", "--dim", "a=2")[0] == 2
    assert calls == []


def test_standard_input_is_named_once(calls: list[dict[str, Any]], run: Run) -> None:
    """`-` can be read once only."""
    assert run("-", "-")[0] == 2
    assert calls == []


def test_without_a_device_the_panel_answers(calls: list[dict[str, Any]], run: Run) -> None:
    """Five devices answer, none of them chosen by the caller."""
    code, out, _ = run("m.onnx")
    assert code == 0
    assert tuple(call["default_client"] for call in calls[1:]) == api.PANEL
    assert out.count("m1/gpu metal fp32") == 5


def test_each_model_meets_each_device(calls: list[dict[str, Any]], run: Run) -> None:
    """Two models on two devices are four answers, models read once."""
    out = run("a.onnx", "b.onnx", "-d", "m1", "-d", "t4", "--format", "json")[1]
    assert [call["path"] for call in calls if "path" in call] == ["a.onnx", "b.onnx"]
    assert [r["model"]["path"] for r in json.loads(out)["results"]] == [
        "a.onnx",
        "a.onnx",
        "b.onnx",
        "b.onnx",
    ]


@pytest.mark.parametrize(
    ("form", "beginning"),
    [("text", "client (92 %"), ("json", '{\n  "schema_version": 1'), ("markdown", "### client")],
)
def test_formats(form: str, beginning: str, calls: list[dict[str, Any]], run: Run) -> None:
    """Each format writes one verdict to standard output, and nothing else."""
    code, out, err = run("m.onnx", "-d", "m1", "--format", form)
    assert (code, err, len(calls)) == (0, "", 2)
    assert out.startswith(beginning)


def test_why_and_quiet(calls: list[dict[str, Any]], run: Run) -> None:
    """`--why` adds the sources, for several answers too; `-q` leaves the lead alone."""
    assert "sources" in run("m.onnx", "-d", "m1", "--why")[1]
    assert run("m.onnx", "-d", "m1", "-d", "t4", "--why")[1].count("\nsources\n") == 2
    assert "\n\n" not in run("m.onnx", "-d", "m1", "-q")[1]
    assert len(calls) == 2 + 3 + 2


def test_verbose_talks_on_standard_error(calls: list[dict[str, Any]], run: Run) -> None:
    """What was read is said beside the answer, not in it."""
    _, out, err = run("m.onnx", "-d", "m1", "-v")
    assert err.startswith("read m.onnx: 2.05 k FMA")
    assert not out.startswith("read")
    assert len(calls) == 2


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("-d", "m1"), 0),
        (("-d", "m1", "--require", "client"), 0),
        (("-d", "m1", "--require", "server"), 1),
        (("-d", "doubtful"), 0),
        (("-d", "doubtful", "--strict"), 3),
        (("-d", "doubtful", "--require", "client"), 1),
        (("-d", "doubtful", "--require", "client", "--strict"), 1),
        (("-d", "m1", "-d", "doubtful", "--require", "client"), 1),
        (("-d", "m1", "-d", "doubtful", "--strict"), 3),
    ],
)
def test_exit_codes(options: tuple[str, ...], code: int, calls: list[dict[str, Any]], run: Run) -> None:
    """1 where a required verdict is missed, 3 where doubt is not allowed, 0 else; the answer comes anyway."""
    assert code == run("m.onnx", *options)[0]
    assert calls


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("m.onnx", "--nope"), "error: no such option"),
        (("m.onnx", "--calls", "many"), "error: invalid value for '--calls': 'many' is not a valid int"),
        (("m.onnx", "--format", "yaml"), "error: invalid value for '--format': 'yaml' is not one of"),
        (("profile",), "error: missing argument 'MODEL'"),
        (("profile", "m.onnx", "--top", "-1"), "error: invalid value for '--top': -1 is not in the range"),
        (("schema", "all"), "error: invalid value for"),
        (
            ("schema",),
            (
                "error: missing argument 'NAME'. Choose from: "
                "verdict, profile, vary, diff, chain, limits, accuracy, gate\n"
            ),
        ),
        (("devices", "show"), "error: show needs to know which one"),
        (("devices", "show", "nosuch"), "error: there is no device called 'nosuch'"),
        (("networks", "check", "nosuch.yaml"), "error: 'nosuch.yaml' is not a file"),
    ],
)
def test_wrong_usage_is_one_sentence(
    words: tuple[str, ...], sentence: str, calls: list[dict[str, Any]], run: Run
) -> None:
    """What typer finds wrong reads like what we find wrong: a sentence, a hint, exit code 2."""
    code, out, err = run(*words)
    assert (code, out, calls) == (2, "", [])
    assert err.startswith(sentence)
    assert [line.split(":")[0] for line in err.splitlines()] == ["error", "hint"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("profil", "profile"), ("Device", "devices"), ("network", "networks"), ("chek", "check")],
)
def test_a_mistyped_command_is_named(word: str, meant: str, calls: list[dict[str, Any]], run: Run) -> None:
    """A first word that is no file but nearly a command gets that command as a hint."""
    code, out, err = run(word, "m.onnx")
    assert (code, out, calls) == (2, "", [])
    told = f"error: there is no command and no file called {word!r}\nhint: did you mean: feasible {meant}\n"
    assert err == told


def test_a_file_called_like_a_command_is_read(
    calls: list[dict[str, Any]], run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file whose name is nearly a command is a model, as any file is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profil").touch()
    assert run("profil")[0] == 0
    assert calls[0]["path"] == "profil"


def test_a_requirement_that_is_missed_is_said(calls: list[dict[str, Any]], run: Run) -> None:
    """Beside the answer, standard error says which verdict was required and how many differ."""
    _, out, err = run("m.onnx", "-d", "m1", "-d", "doubtful", "--require", "client", "-q")
    assert out.startswith("client (")
    assert err == "--require client is not met: 1 of 2 say undecided\n"
    assert calls


def test_profile_shows_operators_or_nodes(calls: list[dict[str, Any]], run: Run) -> None:
    """`--by` chooses operator types, nodes or the paths in their names; `--top 1` sums what it hides."""
    assert "com.acme::Fancy\n" in run("profile", "m.onnx")[1]
    assert "Gemm gemm\n" in run("profile", "m.onnx", "--by", "node")[1]
    assert "(whole graph)\n" in run("profile", "m.onnx", "--by", "module")[1]
    assert "2 more operator types" in run("profile", "m.onnx", "--top", "1")[1]
    assert len(calls) == 4


@pytest.mark.parametrize(
    ("form", "beginning"), [("json", "{"), ("markdown", "### `m.onnx`"), ("csv", "domain,op_type,nodes")]
)
def test_profile_formats(form: str, beginning: str, calls: list[dict[str, Any]], run: Run) -> None:
    """The counts come as JSON, as Markdown and as CSV too."""
    assert run("profile", "m.onnx", "--format", form)[1].startswith(beginning)
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["verdict", "profile", "vary", "diff"])
def test_schema_prints_the_published_schema(name: str, run: Run) -> None:
    """The schema is JSON on standard output."""
    code, out, _ = run("schema", name)
    assert code == 0
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_catalogs_are_listed_and_shown_with_their_sources(run: Run) -> None:
    """The list names every profile; `show` gives each number its evidence."""
    assert [line.split()[0] for line in run("devices")[1].splitlines()[1:] if line[0] != " "] == list(
        api.devices()
    )
    assert [
        line.split()[0] for line in run("networks", "list")[1].splitlines()[1:] if line[0] != " "
    ] == list(api.networks())
    assert "gpu fp32         2.6 TFLOP/s, vendor, 2020-11-10: Apple" in run("devices", "show", "m1")[1]
    assert "rtt        150 ms, estimate: " in run("networks", "show", "essay")[1]


def test_a_profile_of_ones_own_is_checked(run: Run, tmp_path: Any) -> None:  # noqa: ANN401 (a path)
    """`check FILE` says that a file is fine, or every problem of it with its place."""
    source = (start.__file__.rpartition("feasibility")[0]) + "network_profiles/essay.yaml"
    assert run("networks", "check", source)[1] == f"{source}: network essay is fine\n"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: nothing\nname: twice\n")
    code, _, err = run("devices", "check", str(wrong))
    assert code == 2
    assert f"\nerror: {wrong}:2:1 key 'name' is given twice" in err


def test_help_names_every_option_and_command(run: Run) -> None:
    """The help of the command lists what `check` takes, all commands and the exit codes, in 80 columns."""
    code, out, _ = run("--help")
    assert code == 0
    for word in (
        "--device",
        "--rtt",
        "--require",
        "profile",
        "devices",
        "networks",
        "schema",
        "130 interrupted",
    ):
        assert word in out
    assert max(map(len, out.splitlines())) <= 80


def test_the_defaults_in_the_help_are_those_of_the_decision() -> None:
    """What the help says in brackets is what is taken."""
    told = {
        name: getattr(options, name).__metadata__[0].help.rpartition("[")[2].rstrip("]")
        for name in ("Network", "Server", "ServerPrecision", "Precision", "Confidence")
    }
    assert told == {
        "Network": scenario.DEFAULT_NETWORK,
        "Server": scenario.DEFAULT_SERVER,
        "ServerPrecision": scenario.DEFAULT_SERVER_PRECISION,
        "Precision": scenario.UNCONVERTED,
        "Confidence": str(DEFAULT_CONFIDENCE),
    }


def test_version(run: Run) -> None:
    """`--version` prints name and version."""
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("feasible 0.")


def test_a_bad_model_is_one_sentence(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """An error of the reader arrives as sentence and hint, its text escaped."""

    def profile(path: str, **_: object) -> ModelCost:
        msg = f"{path} is \x1b[31mempty"
        raise ModelError(msg, hint="try another")

    monkeypatch.setattr(start, "_start_worker", lambda _: None)
    monkeypatch.setattr(api, "profile", profile)
    assert run("m.onnx") == (2, "", "error: m.onnx is \\x1b[31mempty\nhint: try another\n")


def test_a_bug_is_called_one(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Whatever fails inside ends in one sentence that says it is a bug; FEASIBLE_DEBUG shows where."""

    def profile(_: str, **__: object) -> ModelCost:
        raise KeyError("x")

    monkeypatch.setattr(start, "_start_worker", lambda _: None)
    monkeypatch.setattr(api, "profile", profile)
    code, out, err = run("m.onnx")
    assert (code, out) == (2, "")
    assert err.startswith("error: feasible failed inside, which is a bug: KeyError: 'x'\nhint: ")
    monkeypatch.setenv("FEASIBLE_DEBUG", "1")
    with pytest.raises(KeyError):
        run("m.onnx")


def test_an_interrupt_is_130_without_a_word(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Ctrl-C ends the command with 130, whether it comes before or in a command."""

    def interrupt(*_: object, **__: object) -> ModelCost:
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "_start_worker", lambda _: None)
    monkeypatch.setattr(api, "profile", interrupt)
    assert run("m.onnx") == (130, "", "")
    monkeypatch.setattr(start, "_start_worker", interrupt)
    assert run("m.onnx") == (130, "", "")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--help",),
        ("m.onnx", "-h"),
        ("--version",),
        ("devices",),
        ("networks", "list"),
        ("schema", "all"),
    ],
)
def test_no_child_starts_where_no_model_is_read(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Help, version, catalogs and schemas need no child process."""
    monkeypatch.setattr("feasibility.loader.isolate.Worker.start", lambda: pytest.fail("a child was started"))
    assert start._start_worker(words) is None


def test_limits_are_text_or_json(run: Run) -> None:
    """5 MB hold 1.25 million floats, in words and as numbers."""
    options = ("limits", "--device", "pixel-6a", "--deadline", "30ms", "--max-download", "5MB")
    (_, words, _), (_, written, _) = run(*options), run(*options, "--format", "json")
    numbers = json.loads(written)

    assert "1.25 M as fp32" in words
    assert 1_250_000 == numbers["parameters"]["fp32"]
    assert ["MobileNetV2", "ResNet-50", "ViT-B/16"] == [fit["kind"] for fit in numbers["fits"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--deadline", "30"), "has no unit"),
        (("--deadline", "0s"), "leaves no time"),
        (("--deadline", "30ms", "--device", "nokia"), "no device called"),
    ],
)
def test_limits_refuse_what_makes_no_sense(run: Run, options: tuple[str, ...], said: str) -> None:
    """One sentence, and exit code 2."""
    device = () if "--device" in options else ("--device", "m1")
    code, _, complaint = run("limits", *device, *options)

    assert 2 == code
    assert said in complaint
