from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import feasibility as fe
from feasibility.calibration.accuracy import Accuracy, Compared
from feasibility.conventions import compare, convention
from feasibility.decide.records import Decision, Verdict
from feasibility.errors import UsageError
from feasibility.loader.crosscheck import Opinion
from feasibility.report import json as views
from feasibility.timing.interval import Interval
from feasibility.views.diff import diff
from feasibility.views.modules import modules
from tests.samples import cost, decision


def strict(schema: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return the schema with every object closed: no key beyond those described."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    return {**closed, "additionalProperties": False} if "properties" in closed else closed


def objects(schema: Any, where: str = "") -> list[tuple[str, dict[str, Any]]]:  # noqa: ANN401 (JSON)
    """Return every object of a schema that lists its keys."""
    if isinstance(schema, list):
        return [found for index, item in enumerate(schema) for found in objects(item, f"{where}/{index}")]
    if not isinstance(schema, dict):
        return []
    own = [(where, schema)] if "properties" in schema and "required" in schema else []
    return own + [found for key, value in schema.items() for found in objects(value, f"{where}/{key}")]


@pytest.mark.parametrize("name", views.SCHEMAS)
def test_a_schema_describes_and_requires_every_key(name: str) -> None:
    """Each schema is valid, and each key of each object has a description and is required."""
    schema = json.loads(views.schema(name))
    Draft202012Validator.check_schema(schema)
    assert len(objects(schema)) >= 3
    for where, found in objects(schema):
        assert sorted(found["required"]) == sorted(found["properties"]), where
        assert all("description" in value for value in found["properties"].values()), where
        assert "additionalProperties" not in found, where


@pytest.mark.parametrize("unit", ["_bytes", "_s", "_bits_per_s", "_flops_per_s"])
def test_a_key_with_a_unit_is_described_with_it(unit: str) -> None:
    """The description of `..._s` speaks of seconds, of `..._bytes` of bytes, and so on."""
    words = {"_bytes": "bytes", "_s": "seconds", "_bits_per_s": "bit/s", "_flops_per_s": "FLOP/s"}
    for name in views.SCHEMAS:
        for _, found in objects(json.loads(views.schema(name))):
            for key, value in found["properties"].items():
                longest = max((suffix for suffix in words if key.endswith(suffix)), key=len, default="")
                if longest == unit:
                    assert words[unit] in value["description"], key


def test_all_schemas_agree_on_what_they_share() -> None:
    """Model, totals and coverage are described alike in all that have them."""
    names = ("verdict", "profile", "vary", "diff", "chain")
    profile, *others = (json.loads(views.schema(name))["$defs"] for name in ("profile", *names))
    for name in ("tensor", "model", "totals", "unknown", "coverage"):
        assert all(other[name] == profile[name] for other in others)
    assert json.loads(views.schema("vary"))["$defs"]["memory"] == profile["memory"]


def valid(text: str, name: str) -> Any:  # noqa: ANN401 (JSON)
    """Return the parsed answer after checking it against the closed schema."""
    answer = json.loads(text)
    Draft202012Validator(strict(json.loads(views.schema(name)))).validate(answer)
    return answer


def test_a_verdict_keeps_to_its_schema() -> None:
    """One verdict is one object with exactly the described keys."""
    assert valid(views.render(decision()), "verdict")["verdict"] == "client"


@pytest.mark.parametrize(("device", "deadline", "fits"), [("pixel-6a", "30ms", True), ("m1", "10us", False)])
def test_limits_keep_to_their_schema(device: str, deadline: str, *, fits: bool) -> None:
    """Also where the starts of kernels alone take longer: then the counts are null."""
    answer = valid(views.dumps(fe.limits(device, deadline=deadline).to_dict()), "limits")
    assert [fit["kind"] for fit in answer["fits"]] == ["MobileNetV2", "ResNet-50", "ViT-B/16"]
    assert all((fit["fmas"]["surely"] is not None) == fits for fit in answer["fits"])


def test_an_accuracy_keeps_to_its_schema() -> None:
    """One model, predicted at twice the time that it takes."""
    row = Compared(
        model="m.onnx", precision="fp32", predicted=Interval.exact(0.02), measured_s=0.01, spread=0.1
    )
    found = Accuracy(device="d", machine="M", unit="cpu", runtime="onnxruntime-cpu", threads=2, models=(row,))
    answer = valid(views.dumps(found.to_dict()), "accuracy")
    assert (answer["median_error"], answer["models"][0]["ratio"]) == (1.0, 2.0)


def test_several_verdicts_keep_to_the_schema() -> None:
    """Several verdicts stand in `results`, each an object of its own."""
    undecided = decision(cost(), verdict=Verdict.UNDECIDED, feasible=None, confidence=None)
    answer = valid(views.render_many([decision(), undecided]), "verdict")
    assert list(answer) == ["schema_version", "results"]
    assert [result["verdict"] for result in answer["results"]] == ["client", "undecided"]


def test_a_profile_keeps_to_its_schema() -> None:
    """Counts are exact integers over all runs; what is folded is 0, what is unknown is null."""
    answer = valid(views.render_cost(cost()), "profile")
    gemm, constant, fancy = answer["nodes"]
    assert (gemm["fmas"], gemm["flops"]) == (64 * 32, 2 * 64 * 32 + 32)
    assert (constant["role"], constant["flops"], constant["read_bytes"]) == (None, 0, 0)
    assert (fancy["role"], fancy["flops"], fancy["read_bytes"]) == (None, None, None)
    assert {row["op_type"]: row["unknown_nodes"] for row in answer["by_op"]} == {
        "Gemm": 0,
        "Constant": 0,
        "Fancy": 1,
    }


def test_second_opinions_keep_to_the_schema() -> None:
    """Both are null where nobody asked, else objects of exactly the described keys."""
    assert valid(views.render_cost(cost()), "profile")["cross_check"] is None
    gemm = ("ai.onnx", "Gemm")
    check = compare(cost(), Opinion(version="1.0.1", macs={gemm: 7}, nodes={gemm: 1}))
    answer = valid(views.render_cost(cost(), convention=convention(cost(), "fvcore"), check=check), "profile")
    assert answer["convention"]["total"] == 64 * 32
    assert [row["difference"] for row in answer["cross_check"]["rows"]] == [7 - (64 * 32 + 32)]


def test_modules_keep_to_the_schema() -> None:
    """`by_module` is null where nobody asked, else the tree with the whole graph first."""
    assert valid(views.render_cost(cost()), "profile")["by_module"] is None
    model = cost(gemm="/a/gemm")
    tree = valid(views.render_cost(model, modules=modules(model)), "profile")["by_module"]
    assert [(row["path"], row["level"], row["fmas"]) for row in tree] == [
        ([], 0, 64 * 32),
        (["a"], 1, 64 * 32),
    ]


def test_sizes_of_a_dimension_keep_to_their_schema() -> None:
    """Each row has the size, its totals and the memory at the precision asked for."""
    costs = [replace(cost(), dims={"n": size}) for size in (1, 2)]
    answer = valid(views.render_vary("n", costs, precision="fp16"), "vary")
    assert (answer["dimension"], [row["value"] for row in answer["rows"]]) == ("n", [1, 2])
    assert [row["memory"]["precision"] for row in answer["rows"]] == ["fp16"] * 2


def test_a_diff_keeps_to_its_schema() -> None:
    """A row has both sides and the change; a side that lacks it is null; `top` cuts both lists."""
    old, new = cost(gemm="/a/gemm"), cost(gemm="/b/gemm")
    answer = valid(views.render_diff(diff(old, new)), "diff")
    assert [(row["path"], row["delta"]["fmas"]) for row in answer["modules"]] == [
        (["a"], -64 * 32),
        (["b"], 64 * 32),
    ]
    assert (answer["modules"][1]["old"], answer["ops"], answer["totals"]["delta"]["fmas"]) == (None, [], 0)
    assert len(valid(views.render_diff(diff(old, new), top=1), "diff")["modules"]) == 1


def test_runs_are_included_in_the_counts_of_a_node() -> None:
    """A node that runs 3 times reports 3 times its counts and bytes."""
    model = cost()
    looped = replace(model, nodes=(replace(model.nodes[0], runs=3),))
    node = json.loads(views.render_cost(looped))["nodes"][0]
    assert (node["runs"], node["fmas"], node["read_bytes"]) == (3, 3 * 64 * 32, 3 * 64 * 4)


def test_a_verdict_survives_the_way_through_json() -> None:
    """Reading the JSON back gives an equal decision: nothing is lost or rounded."""
    assert Decision.from_dict(json.loads(views.render(decision()))) == decision()


def test_json_is_ascii_and_escapes_what_a_name_holds() -> None:
    """Escapes, newlines and overrides in a name are written as JSON escapes."""
    text = views.render_cost(cost(gemm='"\x1b[31m\n\u202e"'))
    assert text.isascii()
    assert '\\"\\u001b[31m\\n\\u202e\\"' in text


def test_numbers_that_json_lacks_are_refused() -> None:
    """An infinity is refused in one sentence, and never written."""
    with pytest.raises(UsageError, match="too large to be written"):
        views.dumps({"x": math.inf})
