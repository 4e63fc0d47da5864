"""Give the command everything that is not an ONNX model, as a process in an empty folder."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "sd_text_encoder.onnx"
LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 1719665408\n"
)


def zipped(*names: str) -> bytes:
    """Return a zip archive with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "lfs": (lambda: LFS_POINTER, "1.72 GB"),
    "html": (lambda: b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>", "HTML"),
    "gzip": (lambda: gzip.compress(EXAMPLE.read_bytes()), "gzip"),
    "zip": (lambda: zipped("model.onnx"), "zip"),
    "pytorch zip": (lambda: zipped("archive/data.pkl", "archive/version"), "PyTorch"),
    "ort": (lambda: struct.pack("<I", 24) + b"ORTM" + bytes(64), "ORT"),
    "tflite": (lambda: struct.pack("<I", 28) + b"TFL3" + bytes(64), "TensorFlow Lite"),
    "safetensors": (lambda: struct.pack("<Q", 16) + b'{"w":{"dtype":1}' + bytes(64), "safetensors"),
    "pickle": (lambda: pickle.dumps({"state_dict": [1.0]}, protocol=2), "pickle"),
    "truncated": (lambda: EXAMPLE.read_bytes()[:100_000], "cut short"),
    "noise": (lambda: bytes(range(256)) * 8, "ONNX"),
}


def feasible(*words: str, cwd: Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "feasibility.cli", *words]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)


def assert_one_sentence(done: subprocess.CompletedProcess[bytes], word: str) -> None:
    """Hold an answer to the promise: exit 2, an error and a hint, nothing else."""
    stderr = done.stderr.decode()
    assert done.returncode == 2, stderr
    assert done.stdout == b""
    error, hint = stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert word in error
    assert "Traceback" not in stderr


@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize("command", [(), ("profile",)])
def test_what_a_file_really_is_gets_named(kind: str, command: tuple[str, ...], tmp_path: Path) -> None:
    """A file that is no model ends in a sentence naming what it is, exit code 2, and nothing is written."""
    content, word = BAD_FILES[kind]
    (tmp_path / "model.onnx").write_bytes(content())
    assert_one_sentence(feasible(*command, "model.onnx", cwd=tmp_path), word)
    assert os.listdir(tmp_path) == ["model.onnx"]  # noqa: PTH208 (names only)


@pytest.mark.parametrize("kind", ["empty", "html", "truncated"])
def test_standard_input_is_named_too(kind: str, tmp_path: Path) -> None:
    """The same holds for what is piped in."""
    content, word = BAD_FILES[kind]
    assert_one_sentence(feasible("profile", "-", cwd=tmp_path, stdin=content()), word)


def test_places_that_hold_no_file_are_named(tmp_path: Path) -> None:
    """A folder, a URL, a pipe and a missing file each get their sentence and a next step."""
    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"x")
    for place, word in {
        "saved": "SavedModel",
        ".": "folder",
        "https://example.com/model.onnx": "URL",
        "pipe.onnx": "named pipe",
        "/dev/zero": "device",
        "gone.onnx": "no file",
        "bad\x1b[31mname\n.onnx": r"\x1b[31mname\n",
    }.items():
        assert_one_sentence(feasible("profile", place, cwd=tmp_path), word)
