"""A model comes from a path, standard input, bytes or memory; all else ends in one sentence."""

from __future__ import annotations

import builtins
import errno
import io
import os
import socket
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import onnx
import pytest
from google.protobuf.message import EncodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from feasibility.errors import ModelError
from feasibility.loader import files, load, wire
from feasibility.loader.read import Source, read
from tests.loader import protobuf_bytes as pb

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus"
RESNET = CORPUS / "resnet18_224.onnx"
VGG = CORPUS / "vgg16_224.onnx"

EXTERNAL = pb.number(14, 1)


def _external(**entries: str) -> bytes:
    """Encode data_location = EXTERNAL and external_data as the entries say."""
    pairs = (
        pb.block(13, pb.block(1, key.encode()), pb.block(2, text.encode())) for key, text in entries.items()
    )
    return b"".join(pairs) + EXTERNAL


def _message(source: object) -> str:
    with pytest.raises(ModelError) as caught:
        read(source)  # type: ignore[arg-type]  # wrong ones on purpose
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value.message


# --- where a model can come from


def test_all_four_sources_give_the_same_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Path, standard input, bytes and ModelProto differ in the name they leave, in nothing else."""
    content = VGG.read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    sources = [read(str(VGG)), read(VGG), read("-"), read(content), read(onnx.ModelProto.FromString(content))]
    assert [str(VGG), str(VGG), "-", "<bytes>", "<ModelProto>"] == [source.path for source in sources]
    assert [len(content)] * 5 == [source.file_bytes for source in sources]
    assert all(source.proto == sources[0].proto for source in sources)


@pytest.mark.parametrize(
    "path", [RESNET, VGG, CORPUS / "whisper_tiny_encoder.onnx"], ids=lambda path: path.stem
)
def test_graphs_without_inline_weights_are_read_whole(path: Path) -> None:
    """Where nothing is dropped, the model is the one that onnx.load gives."""
    assert onnx.load(path, load_external_data=False) == read(path).proto


def test_a_model_in_memory_is_not_changed() -> None:
    """The caller's model keeps its weights; the one that is read has none."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [5000], [1.0] * 5000)
    graph = helper.make_graph([helper.make_node("Relu", ["w"], ["y"])], "g", [], [], [weight])
    model = helper.make_model(graph)
    before = model.SerializeToString()
    source = read(model)
    source.proto.graph.ClearField("node")
    assert before == model.SerializeToString()
    assert [5000] == list(source.proto.graph.initializer[0].dims)
    assert not source.proto.graph.initializer[0].float_data
    assert len(before) == source.file_bytes


def test_a_model_in_memory_beyond_protobuf_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above 2 GiB protobuf cannot serialize; the sentence says how to save such a model."""

    def too_large(_: onnx.ModelProto) -> bytes:
        raise EncodeError

    monkeypatch.setattr(onnx, "ModelProto", type("Huge", (), {"SerializeToString": too_large}))
    assert "2 GiB" in _message(onnx.ModelProto())


def test_a_message_that_only_protobuf_knows_falls_back_to_it() -> None:
    """A group, which the stripper does not know, is left to protobuf's parser; the model is the same."""
    group = pb.varint(30 * 8 + 3) + pb.varint(30 * 8 + 4)
    with pytest.raises(wire.NotRecognisedError):
        wire.strip(pb.SMALL_MODEL + group)
    assert read(pb.SMALL_MODEL).proto.graph == read(pb.SMALL_MODEL + group).proto.graph


def test_the_fallback_has_the_same_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes to protobuf whole must not be larger than what goes there stripped."""
    monkeypatch.setattr(wire, "MAX_GRAPH_BYTES", 1000)
    group = pb.varint(30 * 8 + 3) + pb.varint(30 * 8 + 4)
    assert "the limit is 1,000" in _message(
        pb.model(pb.node(), pb.initializer(pb.block(9, bytes(2000)))) + group
    )


def test_a_file_of_two_gigabytes_is_read_in_less_than_one_megabyte(tmp_path: Path) -> None:
    """Inline weights, here a hole in a sparse file, are neither read nor limited by protobuf's 2 GiB."""
    size = 2 * 1024**3
    dims = pb.number(1, size // 4) + pb.number(2, 1) + pb.varint(9 * 8 + 2) + pb.varint(size)
    tensor = pb.varint(5 * 8 + 2) + pb.varint(len(dims) + size) + dims
    path = tmp_path / "hole.onnx"
    with path.open("wb") as file:
        file.write(pb.number(1, 9) + pb.varint(7 * 8 + 2) + pb.varint(len(pb.node() + tensor) + size))
        file.write(pb.node() + tensor)
        file.seek(size, 1)
        file.write(pb.block(8, pb.number(2, 17)))
    tracemalloc.start()
    source = read(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [size // 4] == list(source.proto.graph.initializer[0].dims)
    assert path.stat().st_size == source.file_bytes
    assert peak_bytes < 1024**2


# --- standard input


def test_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input from a keyboard is refused at once."""
    terminal, other_end = os.openpty()
    with os.fdopen(other_end) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert "standard input holds no model" in _message("-")
    os.close(terminal)


def test_a_missing_standard_input_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without standard input gets the same sentence."""
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input holds no model" in _message("-")


def test_standard_input_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that gives more than protobuf allows is cut off with a sentence."""
    monkeypatch.setattr(files, "MAX_PIPED_BYTES", 100)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(101))))
    assert "more than 100 bytes" in _message("-")


def test_an_empty_pipe_is_named_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe from a command that failed holds nothing, and that is said."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert "'-' is empty" in _message("-")


# --- paths that are no model file


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    """A mistyped name gets the one that is meant, any other name the models that are there."""
    (tmp_path / "model.onnx").touch()
    for name, hint in {
        "modle.onnx": f"did you mean {str(tmp_path / 'model.onnx')!r}?",
        "encoder.pt": "models in that folder: 'model.onnx'",
    }.items():
        with pytest.raises(ModelError, match="there is no file") as caught:
            read(tmp_path / name)
        assert hint == caught.value.hint


@pytest.mark.parametrize(
    "path", ["", "no/such/folder/m.onnx", "a\0b.onnx", "x" * 5000, "\ud800.onnx", "new\nline\x1b[31m.onnx"]
)
def test_impossible_paths_get_a_sentence(path: str) -> None:
    """Nothing in a path breaks the sentence about it."""
    assert repr(path) in _message(path)


def test_a_broken_link_is_named(tmp_path: Path) -> None:
    """A link to nowhere is told from a missing file: that is how half a download cache looks."""
    link = tmp_path / "m.onnx"
    link.symlink_to("../blobs/4d967a")
    assert f"{str(link)!r} is a link to '../blobs/4d967a', which does not exist" == _message(link)


def test_a_link_to_itself_ends(tmp_path: Path) -> None:
    """A loop of links is an error of the path."""
    link = tmp_path / "m.onnx"
    link.symlink_to(link)
    assert "cannot read" in _message(link)


def test_a_link_to_a_model_is_followed(tmp_path: Path) -> None:
    """A link is as good as the file it leads to."""
    link = tmp_path / "m.onnx"
    link.symlink_to(VGG)
    assert read(VGG).proto == read(link).proto


def test_a_forbidden_file_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason of the operating system is passed on."""

    def forbidden(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", forbidden)
    assert "Permission denied" in _message(VGG)


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    """A pipe that nobody writes to is refused instead of waited for."""
    path = tmp_path / "pipe.onnx"
    os.mkfifo(path)
    assert "named pipe" in _message(path)


def test_a_file_swapped_for_a_pipe_does_not_block_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at and what was opened may differ; what was opened counts."""
    path = tmp_path / "pipe.onnx"
    os.mkfifo(path)
    harmless = VGG.stat()
    monkeypatch.setattr(os, "stat", lambda _: harmless)
    assert "named pipe" in _message(path)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_read(path: str) -> None:
    """An endless device is refused."""
    assert "device" in _message(path)


def test_a_socket_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is a socket."""
    monkeypatch.chdir(tmp_path)  # a socket's name is limited to some 100 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("m.onnx")
        assert "socket" in _message("m.onnx")


def test_an_error_while_reading_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk or a network that fails half way gives a sentence, not a traceback."""

    def failing(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files.File, "__getitem__", failing)
    assert "Input/output error" in _message(VGG)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """A model that is being overwritten ends in a sentence, not in a bus error or a loop."""
    path = tmp_path / "m.onnx"
    path.write_bytes(VGG.read_bytes())
    with files.opened(str(path)) as buffer:
        os.truncate(path, 5000)
        with pytest.raises(ModelError, match="goes on to byte"):
            wire.strip(buffer)


def test_a_name_can_be_given_to_bytes() -> None:
    """Whoever passes bytes on may say what they are."""
    assert read(VGG.read_bytes(), name="-").path == "-"
    with pytest.raises(ModelError, match="'-' is empty"):
        read(b"", name="-")


# --- files that are damaged, hostile or no model


def test_half_a_download_is_named(tmp_path: Path) -> None:
    """A file that ends early says where it ends and where it ought to."""
    content = RESNET.read_bytes()
    path = tmp_path / "half.onnx"
    path.write_bytes(content[:5000])
    assert "cut short at byte 5,000" in _message(path)


def test_two_graphs_are_refused(tmp_path: Path) -> None:
    """Two models joined into one file are not guessed at."""
    path = tmp_path / "two.onnx"
    path.write_bytes(VGG.read_bytes() * 2)
    assert "given twice" in _message(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(pb.number(1, 9) + pb.block(8, pb.number(2, 17)), "not an ONNX model", id="no graph"),
        pytest.param(pb.block(7, pb.node()), "not an ONNX model", id="no version"),
        pytest.param(pb.block(30, b"\xff"), "not an ONNX model", id="another protobuf"),
        pytest.param(pb.model(), "no nodes", id="no nodes"),
        pytest.param(pb.number(1, 3) + pb.block(7, pb.node()), "opset_import is missing", id="no opset"),
        pytest.param(pb.model(pb.block(1, pb.varint(7))), "not valid protobuf", id="broken node"),
    ],
)
def test_protobuf_that_is_no_model_is_refused(content: bytes, words: str) -> None:
    """Each lack is a sentence of its own."""
    assert words in _message(content)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        pytest.param(pb.node(op_type=b"\xff\xfe"), "not UTF-8|nothing writes", id="op_type"),
        pytest.param(pb.node(pb.block(2, b"\xff")), "not UTF-8|nothing writes", id="output"),
        pytest.param(pb.node(pb.block(3, b"\xff")), "not UTF-8", id="name"),
        pytest.param(pb.node(pb.block(1, b"\xff")), "which nothing writes", id="input"),
    ],
)
def test_text_that_is_none_is_refused(node: bytes, words: str) -> None:
    """Bytes where a name should be get a sentence, not a traceback, when the model is walked."""
    with pytest.raises(ModelError, match=words):
        load(pb.model(node))


def test_a_model_older_than_opset_imports_is_read() -> None:
    """Before IR version 3 there was no opset_import."""
    assert read(pb.number(1, 2) + pb.block(7, pb.node())).proto.ir_version == 2


def test_a_model_of_another_domain_alone_is_read() -> None:
    """A forest that imports nothing but ai.onnx.ml is a model."""
    content = (
        pb.number(1, 9) + pb.block(7, pb.node()) + pb.block(8, pb.block(1, b"ai.onnx.ml"), pb.number(2, 3))
    )
    assert [("ai.onnx.ml", 3)] == [(o.domain, o.version) for o in read(content).proto.opset_import]


def test_names_from_the_model_cannot_break_a_sentence() -> None:
    """A tensor's name with a newline and an escape is quoted."""
    tensor = pb.initializer(EXTERNAL, data_type=99, name=b"\n\x1b[31mred")
    assert r"'\n\x1b[31mred'" in _message(pb.model(pb.node(), tensor))


@settings(deadline=None)
@given(st.integers(0, 10**9), st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255)), max_size=5))
def test_damage_gives_a_model_or_a_model_error(cut: int, flips: list[tuple[int, int]]) -> None:
    """A real graph that is cut anywhere and changed anywhere raises ModelError or is read."""
    content = bytearray(VGG.read_bytes())
    for position, byte in flips:
        content[position % len(content)] = byte
    if cut % 2:
        del content[cut % len(content) :]
    with suppress(ModelError):
        assert isinstance(read(bytes(content)), Source)


# --- external data


def test_declared_lengths_are_added_up() -> None:
    """ResNet-18's 8,547,432 stored elements and a few tensors that lie inline: 34,187,936 bytes outside."""
    source = read(RESNET)
    declared = [
        int(entry.value)
        for tensor in onnx.load(RESNET, load_external_data=False).graph.initializer
        for entry in tensor.external_data
        if entry.key == "length"
    ]
    assert sum(declared) == source.external_bytes
    assert source.external_bytes == 34_187_936
    assert source.external_files == ("resnet18_224.weights",)


@pytest.mark.parametrize(
    ("tensor", "nbytes"),
    [
        pytest.param(pb.initializer(_external(location="w", length="100")), 100, id="declared"),
        pytest.param(pb.initializer(_external(location="w"), dims=(3, 5)), 3 * 5 * 4, id="float"),
        pytest.param(
            pb.initializer(_external(location="w"), dims=(5,), data_type=22), 3, id="int4, rounded up"
        ),
        pytest.param(pb.initializer(_external(location="w"), dims=()), 4, id="scalar"),
        pytest.param(
            pb.initializer(_external(location="w", length="-1"), dims=(2,)), 8, id="negative length"
        ),
        pytest.param(
            pb.initializer(_external(location="w", length="9" * 30), dims=(2,)), 8, id="absurd length"
        ),
        pytest.param(pb.initializer(_external(location="w", length="¹"), dims=(2,)), 8, id="not a digit"),
        pytest.param(pb.initializer(pb.block(9, bytes(16))), 0, id="inline"),
        pytest.param(
            pb.initializer(_external(location="w", offset="0", length="8"))
            + pb.initializer(_external(location="w", offset="0", length="8"), name=b"tied"),
            8,
            id="one range used twice",
        ),
        pytest.param(
            pb.initializer(_external(location="w", offset="0", length="8"))
            + pb.initializer(_external(location="w", offset="8", length="8"), name=b"next"),
            16,
            id="two ranges",
        ),
        pytest.param(
            pb.node(pb.block(5, pb.block(5, pb.tensor(_external(location="w", length="7"))))),
            7,
            id="attribute",
        ),
    ],
)
def test_external_bytes(tensor: bytes, nbytes: int) -> None:
    """External tensors count as declared, else dims x width; inline ones are part of the file."""
    assert nbytes == read(pb.model(pb.node(), tensor)).external_bytes


@pytest.mark.parametrize(
    "tensor",
    [
        pytest.param(pb.initializer(_external(location="w"), data_type=99), id="unknown type"),
        pytest.param(pb.initializer(_external(location="w"), dims=(2**64 - 3,)), id="negative dim"),
    ],
)
def test_external_bytes_that_nobody_knows_are_refused(tensor: bytes) -> None:
    """Unknown is never zero."""
    assert "its size is unknown" in _message(pb.model(pb.node(), tensor))


def test_external_data_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of everything that a model names, only the model's own file is opened."""
    trap = tmp_path / "weights.bin"
    os.mkfifo(trap)
    path = tmp_path / "m.onnx"
    names = (str(trap), "weights.bin", "/etc/passwd", "../../etc/passwd")
    tensors = [pb.initializer(_external(location=name), name=name.encode()) for name in names]
    path.write_bytes(pb.model(pb.node(), *tensors))
    opened: list[object] = []
    real = os.open

    def watched(name: str, flags: int) -> int:
        opened.append(name)
        return real(name, flags)

    monkeypatch.setattr(os, "open", watched)
    monkeypatch.setattr(builtins, "open", watched)
    source = read(path)
    assert [str(path)] == opened
    assert tuple(sorted(names)) == source.external_files
    assert source.external_bytes == 4 * 4 * len(names)
