"""Every support table loads, is sourced, and names operators that exist; wrong ones say what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx.defs
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from feasibility.errors import ProfileError, UsageError
from feasibility.profiles import catalog
from feasibility.profiles.support import SupportTable, support, support_ids

TABLES = ("coreml", "onnxruntime-web-wasm", "qnn", "webgpu")
AI, MICROSOFT = "ai.onnx", "com.microsoft"
# newer than the release of the table, or never run by it: tried with the node tests of ONNX
NOT_IN_WASM = {"CausalConvWithState", "ImageDecoder", "LinearAttention", "SwiGLU"}
# contrib operators that ONNX Runtime wrote for a GPU alone
GPU_ONLY = {(MICROSOFT, "BiasAdd"), (MICROSOFT, "BiasSplitGelu")}

MINIMAL = """
name: "mine"
source: "a document"
date: 2026-01-01
evidence: vendor
fallback: wasm
sync: {value: "1 ms", evidence: estimate, source: "a guess"}
copy_bandwidth: {value: "1 GB/s", evidence: estimate, source: "a guess"}
operators:
  ai.onnx: [Conv, Relu]
"""


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest) -> SupportTable:
    """Return each table in turn."""
    return support(str(request.param))


@pytest.fixture(scope="module")
def known() -> set[tuple[str, str]]:
    """Return what ONNX and ONNX Runtime define, by domain and name."""
    schemas: list[Any] = [*onnx.defs.get_all_schemas(), *ort.get_all_operator_schema()]
    return {(schema.domain or AI, schema.name) for schema in schemas}


def in_domain(table: SupportTable, domain: str) -> set[str]:
    """Return the names of the operators of a domain that a table runs."""
    return {name for where, name in table.supported if where == domain}


def test_the_tables_are_there() -> None:
    """One table for each runtime that lacks something."""
    assert TABLES == support_ids()


def test_every_table_is_sourced(table: SupportTable) -> None:
    """It names the document and its date; a number that nobody measured says so."""
    facts = [fact for fact in (table.sync, table.copy_bandwidth) if fact]

    assert len(table.source) > 20
    assert 2025 <= table.date.year
    assert "vendor" == table.evidence
    assert all(len(fact.source) > 20 and fact.evidence in {"derived", "estimate"} for fact in facts)
    assert all("not measured" in fact.source or fact.date or "half of" in fact.source for fact in facts)


def test_every_operator_exists(table: SupportTable, known: set[tuple[str, str]]) -> None:
    """No name is misspelt: each is in ONNX or in ONNX Runtime."""
    assert set() == table.supported - known


def test_what_takes_the_rest_exists(table: SupportTable) -> None:
    """A fallback is a runtime, on the CPU, and a crossing to it takes 10 us to 10 ms."""
    if table.fallback is None:
        assert (None, None) == (table.sync, table.copy_bandwidth)
        return
    assert ("cpu",) == catalog.runtime(table.fallback).unit_kinds
    assert table.sync is not None
    assert table.copy_bandwidth is not None
    assert 1e-5 <= table.sync.value.value <= 1e-2
    assert 1e9 <= table.copy_bandwidth.value.value <= 1e11


def test_only_webassembly_has_nothing_to_fall_back_to() -> None:
    """The GPU of a page falls back to WebAssembly, the engines to the CPU."""
    assert {
        "webgpu": "wasm",
        "coreml": "onnxruntime-cpu",
        "qnn": "onnxruntime-cpu",
        "onnxruntime-web-wasm": None,
    } == {name: support(name).fallback for name in TABLES}


def test_webassembly_runs_the_standard() -> None:
    """All of ONNX but an image decoder and what is newer than the release, and all of ai.onnx.ml."""
    wasm = support("onnxruntime-web-wasm")
    standard = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    trees = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == "ai.onnx.ml"}

    assert NOT_IN_WASM == standard - in_domain(wasm, AI)
    assert trees == in_domain(wasm, "ai.onnx.ml")


def test_webassembly_runs_what_the_gpu_runs() -> None:
    """Whatever stays on the GPU could fall back too."""
    assert GPU_ONLY == support("webgpu").supported - support("onnxruntime-web-wasm").supported


@pytest.mark.parametrize(("name", "count"), [("webgpu", (93, 14)), ("coreml", (57, 2)), ("qnn", (124, 10))])
def test_lists_are_as_long_as_the_documents(name: str, count: tuple[int, int]) -> None:
    """The rows of the documents: 95 less two copies between memories, 57, and 124 as here and there filed."""
    listed = support(name).operators
    assert count == (len(listed[AI]), len(listed[MICROSOFT]))


@pytest.mark.parametrize(
    ("name", "runs", "lacks"),
    [
        (
            "webgpu",
            "Conv MatMul LayerNormalization Gelu Resize",
            "TopK MatMulInteger IsNaN",
        ),
        ("coreml", "Conv Gather Erf Where HardSwish", "Flatten Expand QuantizeLinear Einsum TopK"),
        ("qnn", "Conv TopK QuantizeLinear Erf NonMaxSuppression", "Loop Scan Trilu IsInf RNN"),
    ],
)
def test_what_the_documents_say(name: str, runs: str, lacks: str) -> None:
    """A few operators that each runtime is known to run, and a few that it does not."""
    here = in_domain(support(name), AI)

    assert set(runs.split()) <= here
    assert set() == set(lacks.split()) & here


def test_what_is_added_or_taken_away_has_a_reason(table: SupportTable) -> None:
    """Each departure from the document is a sentence."""
    departures = [*table.also.values(), *table.without.values()]
    assert all(" " in reason for reasons in departures for reason in reasons.values())


def write(folder: Path, text: str) -> Path:
    """Write a table of one's own."""
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_supported_is_the_list_and_its_changes(tmp_path: Path) -> None:
    """What `also` adds and `without` takes away."""
    changes = 'also: {com.microsoft: {Gelu: "a reason"}}\nwithout: {ai.onnx: {Relu: "a reason"}}\n'
    mine = support(write(tmp_path, MINIMAL + changes))

    assert {(AI, "Conv"), (MICROSOFT, "Gelu")} == mine.supported
    assert "mine" == mine.id


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("fallback: wasm", "fallback: wasn", "there is no runtime 'wasn'; did you mean 'wasm'?"),
        ("sync: {", "syn: {", "a fallback needs sync: what a crossing to it costs"),
        ("copy_bandwidth: {", "copy_band: {", "a fallback needs copy_bandwidth: what a crossing to it costs"),
        ("[Conv, Relu]", "[Conv, Relu, Conv]", "Conv is listed twice"),
        ("operators:", "also: {ai.onnx: {Conv: 'why'}}\noperators:", "Conv is in the list already"),
        ("operators:", "without: {ai.onnx: {Gelu: 'why'}}\noperators:", "Gelu is not in the list"),
        ("operators:", "without: {a.b: {Conv: 'why'}}\noperators:", "Conv is not in the list"),
        ('"1 ms"', "1", "has no unit"),
        ("evidence: vendor", "evidence: given", "'given' is for numbers of one call"),
    ],
)
def test_wrong_tables_say_what_is_wrong(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """One sentence each, with the file and the line."""
    with pytest.raises(ProfileError) as caught:
        support(write(tmp_path, MINIMAL.replace(old, new, 1)))
    assert problem in str(caught.value)
    assert "mine.yaml" in str(caught.value)


def test_no_fallback_needs_no_cost(tmp_path: Path) -> None:
    """Where nothing takes the rest, there is nothing to cross."""
    alone = MINIMAL.replace("fallback: wasm", "fallback: null")
    kept = [line for line in alone.splitlines() if not line.startswith(("sync", "copy_bandwidth"))]
    assert support(write(tmp_path, "\n".join(kept))).sync is None


def test_unknown_name_suggests_a_table() -> None:
    """A misspelt id is answered with the nearest one."""
    with pytest.raises(UsageError) as caught:
        support("webgpy")
    assert "there is no support table called 'webgpy'" in str(caught.value)
    assert "webgpu" in (caught.value.hint or "")
