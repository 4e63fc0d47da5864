"""Read and walk a model in a child process, so that no file can take the caller down.

onnx's native code crashes, hangs or exhausts memory on a few hostile files in ten
thousand. The child limits its own memory, CPU time and file size, says which node it
is at, and answers with plain tuples by marshal. `-P` rather than `-I` keeps the
current folder out of its path: `-I` would also hide `pip install --user`.
"""

from __future__ import annotations

import contextlib
import marshal
import math
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from feasibility import errors
from feasibility.errors import FeasibilityError, ModelError

if TYPE_CHECKING:
    from feasibility.ir import Model
    from feasibility.ops import RuleSet

# This module is imported to start the child, first thing: whatever else it needs is
# imported where it is needed, while the child loads onnx.

MEMORY_LIMIT_BYTES = 512 * 2**20  # private memory of the child; enough for the largest graph that is read
CPU_LIMIT_S = 60  # the largest real graphs take under 2 s
WALL_LIMIT_S = 120.0  # for systems without CPU limits

_REPORT = "please report it with the file"
_LIMITS = "count a file that you trust without limits, in Python: feasibility.profile(path)"

_HEADER = struct.Struct("<cI")
_REQUEST, _CHUNK, _PROGRESS = b"?", b"+", b"@"
_RESULT, _ERROR, _LAST = b"=", b"!", b"#"  # an answer; an error; an error after which the child is spent
_LARGE_ANSWER_BYTES = 16 * 2**20  # the child keeps as much again, which the next model may need
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def _send(pipe: IO[bytes], kind: bytes, body: bytes | memoryview) -> None:
    pipe.write(_HEADER.pack(kind, len(body)))
    pipe.write(body)


def _receive(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """Return the next frame; raise EOFError when the other side is gone."""
    header = pipe.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise EOFError
    kind, length = _HEADER.unpack(header)
    body = pipe.read(length)
    if len(body) < length:
        raise EOFError
    return kind, body


class Worker:
    """A child process that loads onnx at once and walks models on request.

    Use it as a context manager, or call `close`. A worker whose child died starts
    another one for the next model.
    """

    def __init__(self) -> None:
        """Start the child."""
        self._child = _start()

    @classmethod
    def start(cls) -> Self:
        """Start a child; it imports onnx while the caller goes on."""
        return cls()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        self._end()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _end(self) -> None:
        self._child.kill()
        self._child.wait()

    def load(
        self, path: str, dims: Mapping[str, int] | None = None, *, rules: RuleSet | None = None
    ) -> Model:
        """Return the walked model; raise ModelError in one sentence whatever happens to the child."""
        if self._child.poll() is not None:
            self.close()
            self._child = _start()
        try:
            with contextlib.suppress(BrokenPipeError):
                self._ask(path, dict(dims or {}), rules)
            kind, body = self._answer(path)
        except (
            BaseException
        ):  # it may still be busy with this model, and must not answer the next one with it
            self._end()
            raise
        if kind == _LAST or len(body) > _LARGE_ANSWER_BYTES:
            self._end()
        if kind == _RESULT:
            return _decoded(body)
        raise _rebuilt(*marshal.loads(body))  # noqa: S302 (written by our own child)

    def _ask(self, path: str, dims: dict[str, int], rules: RuleSet | None) -> None:
        """Send what to read, and which operators have a rule: the child loads none."""
        from feasibility.loader.files import STDIN, piped  # noqa: PLC0415
        from feasibility.ops import DEFAULT  # noqa: PLC0415

        pipe = self._child.stdin
        if pipe is None:
            raise BrokenPipeError
        counted = tuple(DEFAULT if rules is None else rules)
        _send(pipe, _REQUEST, marshal.dumps((path, dims, counted, path == STDIN)))
        if path == STDIN:
            for piece in piped():
                _send(pipe, _CHUNK, piece)
            _send(pipe, _CHUNK, b"")
        pipe.flush()

    def _answer(self, path: str) -> tuple[bytes, bytes]:
        """Listen until the child answers; raise ModelError when it dies or takes too long."""
        timer = threading.Timer(WALL_LIMIT_S, self._child.kill)
        timer.start()
        pipe, at = self._child.stdout, ""
        try:
            while pipe is not None:
                kind, body = _receive(pipe)
                if kind != _PROGRESS:
                    return kind, body
                at = body.decode("utf-8", "backslashreplace")
        except EOFError:
            pass
        finally:
            timer.cancel()
        raise _obituary(path, at, self._child.wait())


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "feasibility.loader.isolate"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | ONE_THREAD,
    )


def _decoded(body: bytes) -> Model:
    from feasibility.loader.transfer import decode  # noqa: PLC0415

    return decode(marshal.loads(body))  # noqa: S302 (written by our own child)


def _rebuilt(kind: str, message: str, hint: str | None) -> FeasibilityError:
    """Return the error that the child raised."""
    found = getattr(errors, kind, ModelError)
    return found(message, hint=hint) if found is not errors.ProfileError else ModelError(message, hint=hint)


def _obituary(path: str, at: str, status: int) -> ModelError:
    """Say in one sentence how the child died and at which node."""
    where = f"node {at!r}" if at else "the start"
    how = f"crashed ({signal.Signals(-status).name})" if status < 0 else f"ended with status {status}"
    if -status in {getattr(signal, "SIGXCPU", 0), getattr(signal, "SIGKILL", 0)}:
        how = f"took more than {CPU_LIMIT_S} s or was killed"
    msg = f"{path!r}: reading it in a child process {how} at {where}"
    return ModelError(msg, hint="check the file with onnx.checker.check_model")


def limit(extra_bytes: int = 0) -> None:
    """Bound this process: private memory, CPU time from now on, no files, no core dump."""
    try:
        import resource  # noqa: PLC0415 (Windows has none)
    except ImportError:
        return
    used_s = math.ceil(time.process_time())
    limits = {
        resource.RLIMIT_DATA: MEMORY_LIMIT_BYTES + extra_bytes,
        resource.RLIMIT_CPU: used_s + CPU_LIMIT_S,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in limits.items():
        hard = resource.getrlimit(what)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _collect(pipe: IO[bytes]) -> bytes:
    """Gather the model that the parent passes on from its standard input."""
    data = bytearray()
    while body := _receive(pipe)[1]:
        limit(2 * (len(data) + len(body)))
        data += body
    return bytes(data)


def _walked(
    path: str,
    piped: bytes | None,
    dims: dict[str, int],
    counted: tuple[tuple[str, str, int], ...],
    out: IO[bytes],
) -> Any:  # noqa: ANN401 (tuples for marshal)
    from feasibility.loader.read import read  # noqa: PLC0415 (onnx loads in the child only)
    from feasibility.loader.transfer import encode  # noqa: PLC0415
    from feasibility.loader.walk import walk  # noqa: PLC0415

    since: dict[tuple[str, str], int] = {}
    for domain, op_type, first in counted:
        since[domain, op_type] = min(first, since.get((domain, op_type), first))

    def has_rule(domain: str, op_type: str, opset: int) -> bool:
        return since.get((domain, op_type), opset + 1) <= opset

    def progress(name: str) -> None:
        _send(out, _PROGRESS, name.encode("utf-8", "backslashreplace"))
        out.flush()

    return encode(walk(read(path if piped is None else piped, name=path), dims, has_rule, progress))


def _reply(pipe: IO[bytes], out: IO[bytes], request: bytes) -> None:
    """Answer one request with a result or with an error."""
    path, dims, counted, is_piped = marshal.loads(request)  # noqa: S302 (written by our own parent)
    limit()
    try:
        piped = _collect(pipe) if is_piped else None
        kind, answer = _RESULT, marshal.dumps(_walked(path, piped, dims, counted, out))
    except FeasibilityError as error:
        kind, answer = _ERROR, marshal.dumps((type(error).__name__, error.message, error.hint))
    except (MemoryError, RecursionError) as error:
        scarce = "memory" if isinstance(error, MemoryError) else "nesting"
        said = f"{path!r}: the graph needs more {scarce} than allowed"
        kind, answer = _LAST, marshal.dumps(("ModelError", said, _LIMITS))
    except Exception as error:  # noqa: BLE001 (the last line of defence, with more to say than a dead child)
        said = f"{path!r}: reading it failed inside, a bug: {type(error).__name__}: {str(error)!r}"
        kind, answer = _LAST, marshal.dumps(("ModelError", said, _REPORT))
    _send(out, kind, answer)
    out.flush()


def serve() -> None:
    """Answer requests from standard input until the parent is gone."""
    import gc  # noqa: PLC0415

    gc.disable()  # one short walk makes no cycles worth collecting
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    pipe, out = sys.stdin.buffer, sys.stdout.buffer
    import feasibility.loader.read  # noqa: PLC0415 (load onnx while the parent gets ready)
    import feasibility.loader.walk  # noqa: F401, PLC0415

    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            _reply(pipe, out, _receive(pipe)[1])
    os._exit(0)  # nothing to clean up; skip tearing onnx down


if __name__ == "__main__":
    serve()
