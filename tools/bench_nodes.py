"""Measure how the time of counting follows the number of nodes, in this process.

    python tools/bench_nodes.py [--runs N] [GRAPH ...]

For each graph (the examples below by default), repeated side by side until it has 11,600
nodes: CPU seconds of `feasibility.profile` against `onnx.shape_inference.infer_shapes` on the
same ModelProto, in turn, as a ratio of medians. Then a real UNet as it is: counted, and its
time predicted for one device and for many. Then growth: chains and fans of nodes of several lengths.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import onnx
from onnx import helper

import feasibility as fe
from feasibility.decide.scenario import place
from feasibility.decide.sides import timed

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "tests" / "corpus"
UNET = CORPUS / "sd_unet.onnx"
SMALL = UNET.with_name("mobilenet_v2.onnx")
GRAPHS = (
    ROOT / "examples" / "sd_text_encoder.onnx",
    UNET,
    CORPUS / "resnet50.onnx",
    CORPUS / "swin_tiny_patch4_window7_224_224.onnx",
    CORPUS / "tinyllama_dynamo.onnx",
    CORPUS / "xtremedistil_int8_dyn.onnx",
)
NODES = 11_600
DEVICES = 100
SIZES = (2_000, 20_000, 200_000)


def side_by_side(path: Path, nodes: int) -> onnx.ModelProto:
    """Return copies of a graph that read the same inputs and weights, cut off at so many nodes."""
    model = onnx.load(path, load_external_data=False)
    original, shared = list(model.graph.node), {v.name for v in model.graph.input}
    shared |= {t.name for t in model.graph.initializer} | {""}
    del model.graph.node[:], model.graph.value_info[:], model.graph.output[:]
    for index in range(nodes):
        copy, node = divmod(index, len(original))
        added = model.graph.node.add()
        added.CopyFrom(original[node])
        added.name = f"{copy}/{added.name}"
        for names in (added.input, added.output):
            names[:] = [name if name in shared else f"{copy}/{name}" for name in names]
    last = next(name for name in reversed(model.graph.node[-1].output) if name)
    model.graph.output.add().name = last
    return model


def chain(length: int) -> bytes:
    """Return nodes that each read what the one before wrote: Relu and Add in turn."""
    nodes = [
        helper.make_node("Relu", [f"t{n}"], [f"t{n + 1}"])
        if n % 2
        else helper.make_node("Add", [f"t{n}", "t0"], [f"t{n + 1}"])
        for n in range(length)
    ]
    return _model(nodes)


def fan(length: int) -> bytes:
    """Return nodes that all read the same tensor."""
    return _model([helper.make_node("Relu", ["t0"], [f"t{n + 1}"]) for n in range(length)])


def _model(nodes: list[onnx.NodeProto]) -> bytes:
    ends = [helper.make_tensor_value_info(name, 1, [1, 64]) for name in ("t0", nodes[-1].output[0])]
    graph = helper.make_graph(nodes, "bench", ends[:1], ends[1:])
    serialized: bytes = helper.make_model(graph).SerializeToString()
    return serialized


def cpu_s(action: Callable[[], object]) -> float:
    """Return the CPU seconds of an action."""
    start = time.process_time()
    kept = action()
    taken = time.process_time() - start
    del kept  # freeing it is nobody's work
    return taken


def against_infer_shapes(path: Path, runs: int) -> None:
    """Print the ratio on one graph."""
    model = side_by_side(path, NODES)
    pairs = [
        (cpu_s(lambda: onnx.shape_inference.infer_shapes(model)), cpu_s(lambda: fe.profile(model)))
        for _ in range(runs + 1)
    ][1:]  # the first one warms up
    onnxs, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{path.stem:36}{1000 * onnxs:9.0f} ms{1000 * ours:9.0f} ms{ours / onnxs:8.1f} x")


def predictions(path: Path) -> None:
    """Print how long it takes to predict a model's time on one device, and on a hundred afterwards."""
    cost, places = fe.profile(path), [place(name, None, None) for name in fe.devices()[:DEVICES]]
    one = cpu_s(lambda: timed(cost, places[0]))
    many = cpu_s(lambda: [timed(cost, each) for each in places])
    print(f"predicted for one device {1000 * one:18.1f} ms, then for {len(places)}: {many:.3f} s")


def scenarios(path: Path) -> None:
    """Print how long a thousand verdicts on one model take, devices by links, profiles loaded."""
    cost = fe.profile(path)
    devices = [fe.device(name) for name in fe.devices()[:40]]
    links = [fe.network(name) for name in fe.networks()[:25]]
    taken = cpu_s(lambda: [fe.decide(cost, client=d, network=n) for d in devices for n in links])
    print(f"{len(devices)} devices x {len(links)} links {taken:22.3f} s")


def growth(build: Callable[[int], bytes], runs: int) -> None:
    """Print how the time grows with the number of nodes."""
    for size in SIZES:
        model = build(size)
        taken = statistics.median([cpu_s(partial(fe.profile, model)) for _ in range(runs)])
        print(f"{build.__name__} of {size:<27,}{taken:9.3f} s{1e6 * taken / size:9.1f} us a node")


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("graphs", nargs="*", type=Path, default=GRAPHS)
    parser.add_argument("--runs", type=int, default=7, help="counted runs of each")
    arguments = parser.parse_args()
    print(f"{NODES:,} nodes, medians of {arguments.runs}{'infer_shapes':>18}{'profile':>12}")
    for path in arguments.graphs:
        against_infer_shapes(path, arguments.runs)
    fe.profile(UNET)
    unet_s = statistics.median([cpu_s(lambda: fe.profile(UNET)) for _ in range(arguments.runs)])
    print(f"UNet as it is, 2,979 nodes {unet_s:18.3f} s")
    predictions(UNET)
    scenarios(SMALL)
    for build in (chain, fan):
        growth(build, min(arguments.runs, 3))


if __name__ == "__main__":
    main()
