from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from feasibility.cost import OpCost
from feasibility.errors import ModelError, UsageError
from feasibility.ir import Node
from feasibility.loader import isolate, load
from feasibility.loader.isolate import Worker
from feasibility.loader.transfer import decode, encode
from feasibility.ops import DEFAULT

CORPUS = Path(__file__).parents[1] / "corpus"
SMALL = str(CORPUS / "resnet18_224.onnx")


@pytest.mark.parametrize("name", ["resnet18_224.onnx", "mobilenet_v2.onnx", "clip_fused.onnx"])
def test_transfer_loses_nothing(name: str) -> None:
    """A walked model survives the way through plain tuples unchanged."""
    found = load(CORPUS / name)
    assert decode(encode(found)) == found


def test_child_gives_what_the_library_gives() -> None:
    """The same file walked in a child process is the same model, twice from one child."""
    with Worker.start() as worker:
        assert worker.load(SMALL, {"batch": 2}) == load(SMALL, dims={"batch": 2})
        assert worker.load(SMALL) == load(SMALL)


def test_errors_cross_the_border_with_their_class_and_hint() -> None:
    """What is wrong with a file or a call is raised here as it was raised there."""
    with Worker.start() as worker:
        with pytest.raises(ModelError, match="no_such_file"):
            worker.load("no_such_file.onnx")
        with pytest.raises(UsageError) as caught:
            worker.load(SMALL, {"bach": 2})
        assert caught.value.hint == "did you mean 'batch'? its free dimensions are 'batch'"


def test_standard_input_reaches_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model piped in is passed on; the answer is that of the file under the name '-'."""
    fake = io.TextIOWrapper(io.BytesIO(Path(SMALL).read_bytes()))
    monkeypatch.setattr(sys, "stdin", fake)
    with Worker.start() as worker:
        found = worker.load("-")
    assert (found.path, found.graph) == ("-", load(SMALL).graph)


def test_a_crash_names_the_node_and_the_next_model_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that dies by a signal gives one sentence with the node it was at; a new child follows."""
    code = (
        "import os, signal, sys\n"
        "from feasibility.loader import isolate as i\n"
        "i._receive(sys.stdin.buffer)\n"
        "i._send(sys.stdout.buffer, b'@', b'/layer/Conv\\n')\n"
        "sys.stdout.flush()\n"
        "os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    real = isolate._start

    def crashing() -> subprocess.Popen[bytes]:
        monkeypatch.setattr(isolate, "_start", real)
        return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(isolate, "_start", crashing)
    with Worker.start() as worker:
        with pytest.raises(ModelError) as caught:
            worker.load(SMALL)
        assert caught.value.message.count("\n") == 0
        assert r"crashed (SIGSEGV) at node '/layer/Conv\n'" in caught.value.message
        assert worker.load(SMALL).graph.nodes


def test_hang_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that never answers is killed after the limit."""
    monkeypatch.setattr(isolate, "WALL_LIMIT_S", 0.2)
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(
        isolate,
        "_start",
        lambda: subprocess.Popen(sleeping, stdin=subprocess.PIPE, stdout=subprocess.PIPE),
    )
    with Worker.start() as worker, pytest.raises(ModelError, match="was killed"):
        worker.load(SMALL)


def test_limits_hold_in_the_child() -> None:
    """The child bounds its memory, its CPU time from now on and the size of files it may write."""
    code = (
        "import math, resource as r, time, feasibility.loader.isolate as i\n"
        "while time.process_time() < 1.1: pass\n"
        "used = math.ceil(time.process_time()); i.limit()\n"
        "limits = [r.getrlimit(x)[0] for x in (r.RLIMIT_DATA, r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_CORE)]\n"
        "print(limits[0], limits[1] - used in (60, 61), *limits[2:])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == [str(512 * 2**20), "True", "0", "0"]


def test_memory_limit_gives_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk that would need more memory than allowed is refused, not swapped to death."""
    code = (
        "import feasibility.loader.walk, feasibility.loader.isolate as i\n"
        "i._walked = lambda *a: bytearray(2**30)\n"
        "i.serve()\n"
    )
    child = [sys.executable, "-c", code]
    monkeypatch.setattr(
        isolate, "_start", lambda: subprocess.Popen(child, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    )
    with Worker.start() as worker, pytest.raises(ModelError, match="needs more memory than allowed"):
        worker.load(SMALL)


def test_parent_loads_no_onnx() -> None:
    """Walking in a child leaves the caller without onnx and numpy."""
    code = (
        "import sys; from feasibility.loader.isolate import Worker\n"
        f"with Worker.start() as w: w.load({SMALL!r})\n"
        "print(sorted({'onnx', 'numpy', 'google'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_closing_ends_the_child() -> None:
    """No process is left behind."""
    worker = Worker.start()
    pid = worker._child.pid
    worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


def test_rules_of_the_caller_keep_functions_whole() -> None:
    """An operator that only the caller has a rule for is not expanded in the child either."""
    own = DEFAULT.with_op("acme", "Fancy", _count_nothing)
    with Worker.start() as worker:
        assert worker.load(SMALL, rules=own) == load(SMALL)


def _count_nothing(node: Node) -> OpCost:
    return OpCost(dtype=node.output(0).dtype, role="light")
