"""Whatever file somebody passes by mistake is named, with the command that gets them further."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import onnx
import pytest

from feasibility.errors import ExitCode, ModelError
from feasibility.loader import kinds
from feasibility.loader.read import read
from tests.loader import protobuf_bytes as pb


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.onnx"))
    return buffer.getvalue()


def _safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


def _graph_def() -> bytes:
    """Encode a NodeDef as tensorflow/core/framework/node_def.proto has it: name = 1, op = 2."""
    return pb.block(1, pb.block(1, b"input"), pb.block(2, b"Placeholder")) + pb.block(4, pb.number(1, 1882))


def _core_ml(number: int) -> bytes:
    """Encode a Model as Core ML's Model.proto has it: version = 1, description = 2, a type from 200 on."""
    return pb.number(1, 5) + pb.block(2, pb.block(1, b"image")) + pb.block(number, bytes(100_000))


def _text_model(form: str) -> bytes:
    model = onnx.ModelProto.FromString(pb.SMALL_MODEL)
    buffer = io.BytesIO()
    onnx.save_model(model, buffer, format=form)
    return buffer.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"4d" * 32 + b"\nsize 491774976\n"

CASES = {
    "empty.onnx": (b"", "empty", "again"),
    "lfs.onnx": (
        LFS,
        "Git LFS pointer, not the model itself, which has 492 MB (491,774,976 bytes)",
        "git lfs pull",
    ),
    "page.onnx": (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "web page (HTML)", "/resolve/"),
    "error.onnx": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML", "download"),
    "model.xml": (b'<?xml version="1.0"?>\n<net name="m" version="11">', "OpenVINO", ".onnx file"),
    "m.onnx.gz": (gzip.compress(pb.SMALL_MODEL), "gzip", "gunzip"),
    "m.onnx.bz2": (bz2.compress(pb.SMALL_MODEL), "bzip2", "bunzip2"),
    "m.onnx.xz": (lzma.compress(pb.SMALL_MODEL), "xz archive", "unxz"),
    "m.onnx.zst": (b"\x28\xb5\x2f\xfd" + bytes(20), "Zstandard", "unzstd"),
    "m.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(20), "7z", "7z x"),
    "m.tar": (_tar(), "tar archive", "tar -xf"),
    "model.pt": (_zip("archive/data.pkl", "archive/data/0"), "PyTorch checkpoint", "torch.onnx.export"),
    "script.pt": (_zip("m/data.pkl", "m/code/x.py", "m/constants.pkl"), "TorchScript", "torch.onnx.export"),
    "program.pt2": (_zip("p/archive_format", "p/data/x"), "torch.export", "torch.onnx.export"),
    "model.keras": (_zip("metadata.json", "config.json", "model.weights.h5"), "Keras", "model.export"),
    "m.mlpackage.zip": (_zip("m/Data/com.apple.CoreML/model.mlmodel"), "Core ML package", ".onnx file"),
    "arrays.npz": (_zip("a.npy", "b.npy"), "NumPy", ".onnx file"),
    "models.zip": (_zip("readme.txt", "model.onnx"), "zip archive with an .onnx file", "unzip"),
    "plain.zip": (_zip("readme.txt"), "zip archive", "unzip"),
    "model.ort": (b"\x18\0\0\0ORTM" + bytes(50), "ORT format", ".onnx file that it was made from"),
    "tiny.ort": (b"\x08\0\0\0ORTM" + bytes(50), "ORT format", ".onnx file that it was made from"),
    "model.tflite": (b"\x1c\0\0\0TFL3" + bytes(50), "TensorFlow Lite", "tf2onnx.convert --tflite"),
    "model.pte": (b"\x38\0\0\0ET12eh00" + bytes(50), "ExecuTorch", "torch.onnx.export"),
    "model.safetensors": (_safetensors(), "safetensors", "optimum-cli export onnx"),
    "old.pth": (pickle.dumps({"w": [1.0]}, protocol=2), "pickle", "torch.onnx.export"),
    "model.h5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5", "keras"),
    "array.npy": (b"\x93NUMPY\x01\0" + bytes(50), "NumPy array", ".onnx file"),
    "model.gguf": (b"GGUF\x03\0\0\0" + bytes(50), "GGUF", "optimum-cli"),
    "model.engine": (b"ftrt" + bytes(50), "TensorRT engine", ".onnx file"),
    "older.engine": (b"ptrt" + bytes(50), "TensorRT engine", ".onnx file"),
    "net.param": (b"7767517\n3 3\nInput data 0 1 data", "ncnn", ".onnx file"),
    "frozen.pb": (_graph_def(), "TensorFlow GraphDef", "tf2onnx.convert --graphdef"),
    "net.mlmodel": (_core_ml(500), "Core ML model", ".onnx file"),
    "program.mlmodel": (_core_ml(502), "Core ML model", ".onnx file"),
    "model.json": (_text_model("json"), "ONNX model in JSON form", "format='json'"),
    "model.textproto": (_text_model("textproto"), "(textproto)", "format='textproto'"),
    "model.onnxtxt": (
        b'<\n  ir_version: 8,\n  opset_import: ["" : 17]\n>\nm (x) => (y) {}',
        "(onnxtxt)",
        "onnxtxt",
    ),
    "tfjs.json": (b'{"format": "graph-model", "modelTopology": {}}', "TensorFlow.js", "--tfjs"),
    "config.json": (b'{"hidden_size": 768}', "JSON", ".onnx"),
    "notes.txt": (b"Remember the milk.\n" * 40, "text file", ".onnx"),
    "zeros.onnx": (bytes(5000), "zeros", "again"),
    # Bytes that say nothing: the name is the second hint.
    "saved_model.pb": (pb.number(1, 1) + pb.block(2, pb.block(1, b"\xff")), "SavedModel", "--saved-model"),
    "variables.pb": (pb.block(30, b"\xff"), "perhaps a TensorFlow GraphDef", "--graphdef"),
    "new.engine": (b"\xf7\xf8\xf9\xfa", "TensorRT engine", ".onnx file"),
    "model.onnx.data": (b"\xf7\xf8\xf9\xfa", "weights", ".onnx file that goes with it"),
    "noise.onnx": (b"\xf7\xf8\xf9\xfa", "not an ONNX model", "onnx.load"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_named_for_what_it_is(name: str, tmp_path: Path) -> None:
    """One sentence names the file and its format, the hint holds the next command."""
    content, what, hint = CASES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read(path)
    assert repr(str(path)) in caught.value.message
    assert what in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "\n" not in caught.value.message
    assert ExitCode.BAD_INPUT == caught.value.exit_code


@pytest.mark.parametrize("name", sorted(n for n, (content, *_) in CASES.items() if len(content) > 100))
def test_a_format_is_named_from_memory_too(name: str) -> None:
    """Where there is no file name, the bytes alone name these formats."""
    content, what, _ = CASES[name]
    with pytest.raises(ModelError) as caught:
        read(content)
    assert what in caught.value.message


def test_the_name_goes_into_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint can be pasted: it holds the path that was given."""
    (tmp_path / "net.tflite").write_bytes(CASES["model.tflite"][0])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError) as caught:
        read("net.tflite")
    expected = "convert it: python -m tf2onnx.convert --tflite net.tflite --output model.onnx"
    assert expected == caught.value.hint


def test_a_name_that_needs_quotes_stays_out_of_the_command(tmp_path: Path) -> None:
    """A path with shell syntax or braces never becomes part of a command to paste."""
    path = tmp_path / "$(reboot) {file} '.gz"
    path.write_bytes(gzip.compress(b"x"))
    with pytest.raises(ModelError) as caught:
        read(path)
    assert caught.value.hint == "unpack it: gunzip FILE"


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("https://example.org/m.onnx", "curl -LO https://example.org/m.onnx"),
        ("HTTP://example.org/m.onnx", "curl -LO HTTP://example.org/m.onnx"),
        ("s3://bucket/m.onnx", "aws s3 cp s3://bucket/m.onnx ."),
        ("gs://bucket/m.onnx", "gcloud storage cp gs://bucket/m.onnx ."),
        ("hf://owner/name/m.onnx", "hf download OWNER/NAME FILE --local-dir ."),
        ("file:///tmp/m.onnx", "curl -LO file:///tmp/m.onnx"),
        ("https://example.org/m.onnx?a=1&b=$(x)", "curl -LO URL"),
    ],
)
def test_a_url_is_to_be_downloaded_first(url: str, command: str) -> None:
    """Nothing is fetched; the hint says how to."""
    with pytest.raises(ModelError) as caught:
        read(url)
    assert f"{url!r} is a URL" in caught.value.message
    assert command in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("entries", "what", "hint"),
    [
        (["saved_model.pb", "variables"], "SavedModel", "--saved-model"),
        (["Manifest.json", "Data"], "Core ML package", ".onnx file"),
        (["coremldata.bin"], "compiled Core ML", ".onnx file"),
        (["config.json", "model.safetensors"], "Hugging Face", "optimum-cli export onnx --model"),
        (["config.json", "b.onnx", "a.onnx", "readme"], "folder", "'a.onnx', 'b.onnx'"),
        ([f"{i}.onnx" for i in range(5)], "folder", "'0.onnx', '1.onnx', '2.onnx' and 2 more"),
        ([], "folder", "pass an .onnx file"),
    ],
)
def test_a_folder_is_named_and_its_models_listed(
    entries: list[str], what: str, hint: str, tmp_path: Path
) -> None:
    """A folder is no model; the models in it are offered, else what the folder is."""
    for entry in entries:
        (tmp_path / entry).touch()
    with pytest.raises(ModelError, match="not a file") as caught:
        read(tmp_path)
    assert what in caught.value.message
    assert hint in (caught.value.hint or "")


def test_every_hint_can_be_filled_in() -> None:
    """No hint holds a brace that is not the placeholder of the path."""
    tables = (
        [kind for _, kind in kinds._HEADS]
        + [kind for _, kind in kinds._ZIPPED]
        + [kind for _, kind in kinds._SUFFIXES]
        + [kind for _, kind in kinds._FOLDERS]
    )
    for kind in tables:
        assert "{" not in kind.hint.format(file="x")
        assert kind.what
