"""Build small models, profiles and scenarios by hand: round numbers, so that times are mental arithmetic."""

# ruff: noqa: ANN401  builders hand any field through to a record that checks it
from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from feasibility.cost import (
    Coverage,
    DTypeSum,
    ModelCost,
    ModelRef,
    NodeCost,
    OpClass,
    OpCost,
    Role,
    Totals,
    Unknown,
)
from feasibility.decide import Placement, Scenario, Setting
from feasibility.ir import DType, Node, TensorSpec
from feasibility.profiles.models import (
    Coefficients,
    ComputeUnit,
    DeviceProfile,
    Evidence,
    Fact,
    Memory,
    NetworkProfile,
    OpClassName,
    Precision,
    RuntimeProfile,
    UnitKind,
)
from feasibility.units import BitsPerSecond, Bytes, BytesPerSecond, FlopsPerSecond, Seconds

GIGA = 1e9
TERA = 1e12
CLASSES: tuple[OpClassName, ...] = ("dense", "pointwise", "depthwise", "grouped", "matmul")


def tensor(name: str, *shape: int, dtype: DType = DType.FLOAT, constant: bool = False) -> TensorSpec:
    """Return a tensor of known shape."""
    return TensorSpec(name=name, dtype=dtype, shape=shape, constant=constant)


def step(  # noqa: PLR0913 (one argument for each thing that sets a node apart)
    inputs: str | tuple[TensorSpec, ...],
    outputs: str | tuple[TensorSpec, ...],
    role: Role | None = "light",
    *,
    op_type: str = "Op",
    reason: str = "",
    runs: int = 1,
    parameters: int = 0,
    dtype: DType = DType.FLOAT,
    **cost: Any,
) -> NodeCost:
    """Return a node; tensors given as words are scalars of that name. No role: no cost."""
    ins, outs = (
        tuple(tensor(word) for word in side.split()) if isinstance(side, str) else side
        for side in (inputs, outputs)
    )
    node = Node(name=outs[0].name, domain="ai.onnx", op_type=op_type, opset=17, inputs=ins, outputs=outs)
    found = OpCost(dtype=dtype, role=role, **cost) if role else None
    return NodeCost(node=node, cost=found, reason=reason, runs=runs, parameters=parameters)


def model(
    *nodes: NodeCost,
    inputs: tuple[TensorSpec, ...] = (),
    outputs: tuple[TensorSpec, ...] = (),
    **totals: int,
) -> ModelCost:
    """Return the model of these nodes; totals that are not given are sums, or 0."""
    unknown = tuple(
        Unknown(name=n.node.name, domain=n.node.domain, op_type=n.node.op_type, reason=n.reason)
        for n in nodes
        if n.reason
    )
    sums = {
        "fmas": sum(n.fmas for n in nodes),
        "arithmetic": sum(n.arithmetic for n in nodes),
        "transcendentals": sum(n.transcendentals for n in nodes),
    }
    rest = dict.fromkeys(
        (
            "parameters",
            "embedding_parameters",
            "parameter_bytes",
            "download_bytes",
            "read_bytes",
            "written_bytes",
            "peak_activation_bytes",
        ),
        0,
    )
    all_totals = rest | sums | totals
    return ModelCost(
        model=ModelRef(
            path="m.onnx",
            file_bytes=100,
            graph_sha256="0" * 64,
            external_files=(),
            opsets={"ai.onnx": 17},
            inputs=inputs,
            outputs=outputs,
        ),
        dims={},
        totals=Totals(**all_totals, peak_activation_node="peak"),
        coverage=Coverage(
            nodes=len(nodes),
            counted=sum(n.cost is not None for n in nodes),
            folded=sum(n.cost is None and not n.reason for n in nodes),
            unknown=unknown,
            assumed=(),
        ),
        nodes=nodes,
        by_dtype=(
            DTypeSum(
                dtype=_stored_as(all_totals),
                parameters=all_totals["parameters"],
                parameter_bytes=all_totals["parameter_bytes"],
            ),
        ),
    )


def _stored_as(sums: Mapping[str, int]) -> DType:
    """Return the type of parameters that take so many bytes."""
    four_bits = 0 < 2 * sums["parameter_bytes"] <= sums["parameters"]
    return DType.INT4 if four_bits else DType.FLOAT


def work(flops: int, op_class: OpClass = "matmul", dtype: DType = DType.FLOAT) -> NodeCost:
    """Return one heavy node of this many FLOP between two scalars."""
    return step("x", "y", "heavy", fmas=flops // 2, op_class=op_class, dtype=dtype)


def fact(value: Any, evidence: Evidence = "vendor") -> Fact[Any]:
    """Return a fact with a source."""
    return Fact(value=value, evidence=evidence, source="a test")


def unit(kind: UnitKind = "gpu", bandwidth_gb_per_s: float = 100.0, **peaks_tera: float) -> ComputeUnit:
    """Return a unit with peaks in TFLOP/s; 1 TFLOP/s fp32 and 100 GB/s by default."""
    return ComputeUnit(
        name="the unit",
        kind=kind,
        peaks={name: fact(FlopsPerSecond(p * TERA)) for name, p in (peaks_tera or {"fp32": 1.0}).items()},
        bandwidth=fact(BytesPerSecond(bandwidth_gb_per_s * GIGA)),
        runtimes=("rt",),
    )


def coefficients(**changes: Any) -> Coefficients:
    """Return e = 0.5, b = 0.25, everything else free, sigma 0.35."""
    terms: dict[str, Any] = {
        "efficiency": dict.fromkeys(CLASSES, 0.5),
        "bandwidth_share": {"weights": 0.25, "activations": 0.25},
        "light_bandwidth_share": None,
        "overhead": Seconds(0),
        "light_overhead": Seconds(0),
        "constant": Seconds(0),
        "sigma": 0.35,
        "evidence": "derived",
        "source": "a test",
        "date": date(2025, 1, 1),
    }
    return Coefficients(**(terms | changes))


def runtime(
    precisions: Mapping[Precision, Coefficients] | None = None,
    *,
    pool: str = "app",
    overhead_bytes: int = 0,
    session_s: float = 0.0,
    kinds: tuple[UnitKind, ...] = ("gpu", "cpu", "npu"),
    **changes: Any,
) -> RuntimeProfile:
    """Return a runtime with the default coefficients at fp32, changed as asked."""
    return RuntimeProfile(
        id="rt",
        name="a runtime",
        unit_kinds=kinds,
        memory_pool=pool,
        memory_overhead=fact(Bytes(overhead_bytes)),
        session_start=fact(Seconds(session_s), "given"),
        precisions=dict(precisions or {"fp32": coefficients(**changes)}),
    )


def device(name: str = "dev", found: ComputeUnit | None = None, **memory_gb: float) -> DeviceProfile:
    """Return a device of one unit with 16 GB, unless its pools are given in GB."""
    pools = {pool: fact(Bytes(round(size * GIGA))) for pool, size in ({"capacity": 16.0} | memory_gb).items()}
    return DeviceProfile(
        id=name,
        name=name,
        vendor="nobody",
        **{"class": "laptop"},
        year=2020,
        units={"gpu": found or unit()},
        default_unit="gpu",
        memory=Memory(**pools),
    )


def network(
    rtt_s: float = 0.15, down_mbit: float = 150.0, up_mbit: float = 20.0, **changes: Any
) -> NetworkProfile:
    """Return a link whose numbers are given: 150 ms, 150 and 20 Mbit/s."""
    evidence: Evidence = changes.pop("evidence", "given")
    return NetworkProfile(
        id="link",
        name="a link",
        rtt=fact(Seconds(rtt_s), evidence),
        downlink=fact(BitsPerSecond(down_mbit * 1e6), evidence),
        uplink=fact(BitsPerSecond(up_mbit * 1e6), evidence),
        **changes,
    )


def scenario(  # noqa: PLR0913 (one argument for each thing that a scenario names)
    cost: ModelCost,
    *,
    client: DeviceProfile | None = None,
    server: DeviceProfile | None = None,
    client_runtime: RuntimeProfile | None = None,
    server_runtime: RuntimeProfile | None = None,
    client_precision: Precision | None = None,
    link: NetworkProfile | None = None,
    **choices: Any,
) -> Scenario:
    """Return a scenario: the client 1 TFLOP/s, the server 100, the default link."""
    near = client or device("near")
    far = server or device("far", unit(fp32=100.0, bandwidth_gb_per_s=1000.0))
    return Scenario(
        cost=cost,
        client=Placement(
            device=near, unit="gpu", runtime=client_runtime or runtime(), precision=client_precision
        ),
        server=Placement(device=far, unit="gpu", runtime=server_runtime or runtime()),
        network=link or network(),
        settings={"client": Setting(value="near/gpu", origin="a test")},
        **choices,
    )
