"""Name what a file really is when it is not an ONNX model: one noun phrase, one next step."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from feasibility.errors import ModelError
from feasibility.loader import wire
from feasibility.units import Bytes

SAMPLE_BYTES = 64 * 1024  # read from either end of a file that is no model
_MAX_ENTRIES = 10_000  # looked at in one folder
_MAX_SHOWN = 3  # file names in one hint
_MAX_CORE_ML_FIELDS = 16  # Model.proto has four, unknown ones aside
_TEXT_BYTES = 512  # enough to tell text from binary
_PLAIN = re.compile(r"[\w./+~-]+", re.ASCII)  # a path that needs no quotes anywhere
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")

_TORCH = "load the model in PyTorch and call torch.onnx.export(model, inputs, 'model.onnx')"
_KERAS = "load it with keras and call model.export('model.onnx', format='onnx')"
_SOURCE = "pass the .onnx file that it was made from"
_HUGGING_FACE = "export it: optimum-cli export onnx --model FOLDER onnx/"
_WEIGHTS = "pass the .onnx file that goes with it; weights are never read"
_TF2ONNX = "convert it: python -m tf2onnx.convert --{option} {{file}} --output model.onnx"
_SAVED_MODEL = _TF2ONNX.format(option="saved-model").format(file="FOLDER")
_GRAPHDEF = _TF2ONNX.format(option="graphdef") + " --inputs X:0 --outputs Y:0"
_FETCH_AGAIN = "download or export the file again"
_ONNX_TEXT = (
    "convert it: python -c \"import onnx; onnx.save(onnx.load('{{file}}', format='{format}'), 'model.onnx')\""
)
_RAW_LINK = "download the file itself: /resolve/ instead of /blob/ on Hugging Face, the raw link on GitHub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a file is ("a zip archive"), and what to do next."""

    what: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A file as far as naming it needs: its name, its two ends, and all of it to step through."""

    path: str
    buffer: wire.Buffer
    head: bytes
    tail: bytes

    @classmethod
    def of(cls, path: str, buffer: wire.Buffer) -> Sample:
        """Take the two ends of a buffer."""
        tail = buffer[max(0, len(buffer) - SAMPLE_BYTES) :]
        return cls(path=path, buffer=buffer, head=bytes(buffer[:SAMPLE_BYTES]), tail=bytes(tail))


# The first row that matches wins. Sources: each format's specification, and for TensorRT the viewer Netron
# (source/tensorrt.js), which knows both signatures (2026-11).
_HEADS: tuple[tuple[re.Pattern[bytes], Kind], ...] = tuple(
    (re.compile(pattern, re.DOTALL), Kind(what=what, hint=hint))
    for pattern, what, hint in (
        (rb"\x1f\x8b", "a gzip archive", "unpack it: gunzip {file}"),
        (rb"BZh[1-9]1AY", "a bzip2 archive", "unpack it: bunzip2 {file}"),
        (rb"\xfd7zXZ\0", "an xz archive", "unpack it: unxz {file}"),
        (rb"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it: unzstd {file}"),
        (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it: 7z x {file}"),
        (rb".{257}ustar", "a tar archive", "unpack it: tar -xf {file}"),
        (rb".{4}ORTM", "a model in ORT format, which ONNX Runtime cannot turn back into ONNX", _SOURCE),
        (rb".{4}TFL3", "a TensorFlow Lite model", _TF2ONNX.format(option="tflite")),
        (rb".{4}ET1[0-9]", "an ExecuTorch program", _TORCH),
        (rb".{5}\0{3}\{\s*\"", "a safetensors file, which holds weights without a graph", _HUGGING_FACE),
        (rb"GGUF", "a GGUF file, which holds weights without a graph", _HUGGING_FACE),
        (rb"\x80[\x02-\x05]", "a Python pickle (an old PyTorch checkpoint, or scikit-learn)", _TORCH),
        (rb"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras, if it is a model)", _KERAS),
        (rb"\x93NUMPY", "a NumPy array", _WEIGHTS),
        (rb"[fp]trt", "a TensorRT engine, compiled for one kind of GPU", _SOURCE),
        (rb"7767517\r?\n", "an ncnn .param file", _SOURCE),
        (rb"\s*<(?i:!doctype\s+html|html)", "a web page (HTML), not the file behind it", _RAW_LINK),
        (rb"\s*<\?xml.*<net\b", "an OpenVINO model", _SOURCE),
        (rb"\s*<\?xml", "an XML document, perhaps an error page", _RAW_LINK),
        (
            rb"\s*\{.*\"(?:irVersion|ir_version|opsetImport|opset_import)\"",
            "an ONNX model in JSON form",
            _ONNX_TEXT.format(format="json"),
        ),
        (
            rb"\s*(?:ir_version|producer_name|opset_import|graph)\s*[:{]",
            "an ONNX model in text form (textproto)",
            _ONNX_TEXT.format(format="textproto"),
        ),
        (
            rb"\s*<\s*(?:ir_version|opset_import)\s*:",
            "an ONNX model in text form (onnxtxt)",
            _ONNX_TEXT.format(format="onnxtxt"),
        ),
        (
            rb"\s*\{.*\"(?:modelTopology|weightsManifest)\"",
            "a TensorFlow.js model",
            _TF2ONNX.format(option="tfjs"),
        ),
        (rb"\s*[\{\[]\s*[\"\{\[\]\}\d]", "a JSON document", "pass the .onnx file"),
        (
            rb"\n.{1,200}?\x12(?:\x05Const|\x0bPlaceholder|\x0aVariableV2|\x0bVarHandleOp)",
            "a TensorFlow GraphDef",
            _GRAPHDEF,
        ),
        (rb"\0{64}", "filled with zeros, as after an interrupted download", _FETCH_AGAIN),
    )
)

# Names of members that stand in a zip archive's first header or in its directory at the end.
_ZIPPED: tuple[tuple[bytes, Kind], ...] = tuple(
    (needle, Kind(what=what, hint=hint))
    for needle, what, hint in (
        (b"/constants.pkl", "a TorchScript model", _TORCH),
        (b"serialized_exported_program.json", "a program of torch.export", _TORCH),
        (b"/archive_format", "a program of torch.export", _TORCH),
        (b"data.pkl", "a PyTorch checkpoint", _TORCH),
        (b"model.weights.h5", "a Keras model", _KERAS),
        (b"com.apple.CoreML", "a zipped Core ML package", _SOURCE),
        (b"saved_model.pb", "a zipped TensorFlow SavedModel", "unpack it: unzip {file}"),
        (b".npyPK", "an archive of NumPy arrays", _WEIGHTS),
        (b".onnx", "a zip archive with an .onnx file in it", "unpack it: unzip {file}"),
        (b"", "a zip archive", "unpack it: unzip {file}"),
    )
)

# What a name says when the bytes say nothing.
_SUFFIXES: tuple[tuple[tuple[str, ...], Kind], ...] = tuple(
    (suffixes, Kind(what=what, hint=hint))
    for suffixes, what, hint in (
        (("saved_model.pb",), "by its name part of a TensorFlow SavedModel", _SAVED_MODEL),
        ((".pb",), "perhaps a TensorFlow GraphDef", _GRAPHDEF),
        ((".pt", ".pth", ".ckpt"), "by its name a PyTorch checkpoint", _TORCH),
        ((".engine", ".plan", ".trt"), "by its name a TensorRT engine", _SOURCE),
        ((".data", ".weights", ".bin", "_data"), "by its name the weights of a model", _WEIGHTS),
        ((".mlmodel",), "by its name a Core ML model", _SOURCE),
    )
)

_FOLDERS: tuple[tuple[str, Kind], ...] = tuple(
    (entry, Kind(what=what, hint=hint))
    for entry, what, hint in (
        ("saved_model.pb", "a TensorFlow SavedModel", _TF2ONNX.format(option="saved-model")),
        ("Manifest.json", "a Core ML package", _SOURCE),
        ("coremldata.bin", "a compiled Core ML model", _SOURCE),
        ("config.json", "a Hugging Face checkpoint", _HUGGING_FACE.replace("FOLDER", "{file}")),
    )
)

_FETCH = {
    "http": "curl -LO {file}",
    "https": "curl -LO {file}",
    "s3": "aws s3 cp {file} .",
    "gs": "gcloud storage cp {file} .",
    "hf": "hf download OWNER/NAME FILE --local-dir .",
}


def by_bytes(sample: Sample) -> Kind | None:
    """Name what a file is by its content; None when that tells nothing."""
    for look in _LOOKS:
        kind = look(sample)
        if kind is not None:
            return _for(kind, sample.path)
    return None


def by_name(path: str) -> Kind | None:
    """Name what a file is by its name; None when that tells nothing."""
    name = path.lower()
    kind = next((kind for suffixes, kind in _SUFFIXES if name.endswith(suffixes)), None)
    return kind and _for(kind, path)


def looks_like_onnx(sample: Sample) -> bool:
    """Tell whether a file starts as every known exporter starts: with its ir_version."""
    return sample.head[:1] == bytes([wire.tag_of(1, wire.VARINT)])


def of_url(text: str) -> Kind | None:
    """Say how to fetch a URL; None when the text is no URL."""
    match = _SCHEME.match(text)
    if match is None:
        return None
    fetch = _FETCH.get(match[1].lower(), "curl -LO {file}")
    plain = text if re.fullmatch(r"[\w./+~:@%-]+", text, re.ASCII) else "URL"
    return Kind(
        what="a URL; only local files are read", hint="download it first: " + fetch.format(file=plain)
    )


def of_folder(path: str) -> Kind:
    """Name what a folder is, and the models in it."""
    names = sorted(_entries(path))
    for entry, kind in _FOLDERS:
        if entry in names and not models_among(names):
            return _for(Kind(what=f"a folder ({kind.what})", hint=kind.hint), path)
    models = models_among(names)
    hint = f"pass a model in it: {_shown(models)}" if models else "pass an .onnx file"
    return Kind(what="a folder", hint=hint)


def models_among(names: list[str]) -> list[str]:
    """Return the names that end in .onnx."""
    return [name for name in names if name.lower().endswith(".onnx")]


def neighbours(path: str) -> str:
    """Name the models beside a path that does not exist."""
    models = models_among(sorted(_entries(str(Path(path).parent))))
    return f"models in that folder: {_shown(models)}" if models else "check the path"


def _entries(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in islice(entries, _MAX_ENTRIES))
    except (OSError, ValueError):
        return


def _shown(names: list[str]) -> str:
    """Join a few names; they are data and are shown as such."""
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return ", ".join(repr(name) for name in names[:_MAX_SHOWN]) + more


def _for(kind: Kind, path: str) -> Kind:
    """Fill a path into a command, or a placeholder where the path would need quotes."""
    return Kind(what=kind.what, hint=kind.hint.format(file=path if _PLAIN.fullmatch(path) else "FILE"))


def _empty(sample: Sample) -> Kind | None:
    if len(sample.buffer):
        return None
    return Kind(what="empty (0 bytes)", hint=_FETCH_AGAIN)


def _lfs_pointer(sample: Sample) -> Kind | None:
    """Read the size that a pointer gives (specification v1 of Git LFS)."""
    match = re.match(
        rb"version https://git-lfs\.github\.com/spec/.*?\nsize (\d{1,18})\b", sample.head, re.DOTALL
    )
    if match is None:
        return None
    size = int(match[1])
    return Kind(
        what=f"a Git LFS pointer, not the model itself, which has {Bytes(size)} ({size:,} bytes)",
        hint="fetch it: git lfs pull",
    )


def _zip(sample: Sample) -> Kind | None:
    if not sample.head.startswith(b"PK\x03\x04"):
        return None
    names = sample.head + sample.tail
    return next(kind for needle, kind in _ZIPPED if needle in names)


def _head(sample: Sample) -> Kind | None:
    return next((kind for pattern, kind in _HEADS if pattern.match(sample.head)), None)


def _core_ml(sample: Sample) -> Kind | None:
    """Know a Core ML Model by its type, a field numbered 200 or more (Model.proto of coremltools)."""
    fields = wire.fields(sample.buffer, 0, len(sample.buffer))
    try:
        tags = {tag for tag, *_ in islice(fields, _MAX_CORE_ML_FIELDS)}
    except ModelError:
        return None
    if wire.tag_of(1, wire.VARINT) in tags and max(tags) >= wire.tag_of(200, wire.LEN):
        return Kind(what="a Core ML model", hint=_SOURCE)
    return None


def _text(sample: Sample) -> Kind | None:
    """Know printable ASCII."""
    if re.fullmatch(rb"[\t\n\r -~]+", sample.head[:_TEXT_BYTES]) is None:
        return None
    return Kind(what="a text file", hint="pass the .onnx file")


_LOOKS: tuple[Callable[[Sample], Kind | None], ...] = (_empty, _lfs_pointer, _zip, _head, _core_ml, _text)
