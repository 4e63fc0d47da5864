"""Run the command as a process, as a shell does: pipes, encodings, terminals, signals."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MODEL = "examples/sd_text_encoder.onnx"
COMMAND = [sys.executable, "-m", "feasibility.cli"]
MORE_THAN_A_PIPE_HOLDS = 2**18  # 64 KiB on Linux and macOS
ANSWER = [*COMMAND, MODEL, "--device", "m1", "--rtt", "150ms"]


def run(*words: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command with a piped output."""
    return subprocess.run(
        [*COMMAND, *words], cwd=ROOT, env=os.environ | env, input=stdin, capture_output=True, check=False
    )


def test_the_main_job() -> None:
    """The example on an M1 at 150 ms of round trip is answered in text, on standard output alone."""
    done = subprocess.run(ANSWER, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"client (")


def test_same_input_same_bytes() -> None:
    """Two runs print the same bytes, whatever the order of hashes."""
    outputs = {run(MODEL, "--format", "json", PYTHONHASHSEED=seed).stdout for seed in ("1", "2")}
    assert len(outputs) == 1


def test_a_model_comes_from_standard_input() -> None:
    """`-` reads the model from a pipe, with the same counts."""
    piped = run("profile", "-", "--format", "json", stdin=(ROOT / MODEL).read_bytes())
    assert json.loads(piped.stdout)["totals"]["fmas"] == 6_649_251_840


@pytest.mark.parametrize(
    "env", [{"PYTHONIOENCODING": "ascii"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"LC_ALL": "C"}]
)
def test_hostile_surroundings_change_nothing(env: dict[str, str]) -> None:
    """An ASCII pipe, no colour and a dumb terminal get the same plain text."""
    done = subprocess.run(ANSWER, cwd=ROOT, env=os.environ | env, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout == run(*ANSWER[len(COMMAND) :]).stdout
    assert done.stdout.isascii()
    assert b"\x1b" not in done.stdout


def test_a_path_that_the_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    """A name with letters that ASCII lacks is shown escaped, not crashed on."""
    model = tmp_path / "größe.onnx"
    model.write_bytes((ROOT / MODEL).read_bytes())
    done = run("profile", str(model), PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"gr\\xf6\\xdfe.onnx" in done.stdout.replace(b"\n", b"")


def test_a_missing_model_is_one_sentence() -> None:
    """A file that is not there ends in sentence, hint and 2."""
    done = run("nosuch.onnx")
    assert (done.returncode, done.stdout) == (2, b"")
    assert [line.split(b":")[0] for line in done.stderr.splitlines()] == [b"error", b"hint"]


def test_a_reader_who_leaves_is_no_error() -> None:
    """A pipe that is closed before the answer comes makes no noise of its own, and keeps the exit code."""
    child = subprocess.Popen(
        [*ANSWER, "--require", "server"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b"--require server is not met: 1 of 1 say client\n"
    assert child.returncode == 1


def test_a_closed_output_is_no_crash() -> None:
    """With standard output closed by the shell the command still ends well."""
    words = " ".join([*COMMAND, "schema", "verdict"])
    done = subprocess.run(["sh", "-c", f"{words} >&-"], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let children be interrupted even under a shell's background job, which ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_ends_with_130_and_no_traceback() -> None:
    """An interrupt while the model is read ends parent and child without a word."""
    child = subprocess.Popen(
        [*COMMAND, "profile", "-"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with child:
        assert child.stdin is not None
        assert child.stderr is not None
        child.stdin.write(bytes(MORE_THAN_A_PIPE_HOLDS))
        child.stdin.flush()  # returns once the command reads
        time.sleep(0.3)  # let it wait in read(): a signal just before a system call does not end it
        interrupt(child)
        assert child.stderr.read() == b""
    assert child.returncode == 130


def interrupt(child: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C, and again after a while: one that comes just before a read is seen after it."""
    for _ in range(10):
        time.sleep(0.2)
        os.killpg(child.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)
            return
    child.kill()


def test_a_terminal_gets_colour_and_the_same_words() -> None:
    """On a terminal the verdict is coloured; NO_COLOR and TERM=dumb turn that off."""
    coloured, plain, dumb = (on_a_terminal(**env) for env in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}))
    assert b"\x1b[1;32mclient\x1b[0m (" in coloured
    assert plain == dumb
    assert b"\x1b" not in plain


def on_a_terminal(**env: str) -> bytes:
    """Return what the command writes to a pseudo-terminal."""
    ours, theirs = pty.openpty()
    surroundings = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | env
    child = subprocess.Popen(ANSWER, cwd=ROOT, env=surroundings, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # Linux ends a pseudo-terminal so
        while chunk := os.read(ours, 65536):
            written += chunk
    os.close(ours)
    assert child.wait() == 0
    return written
