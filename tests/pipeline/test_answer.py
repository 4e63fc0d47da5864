from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from feasibility.errors import ModelError
from feasibility.pipeline import ChainAnswer, Plan, build, read
from feasibility.pipeline import answer as place_all
from feasibility.pipeline.answer import plan
from feasibility.pipeline.search import Side
from feasibility.profiles.support import SupportTable
from feasibility.timing.compute import Rest
from feasibility.units import BytesPerSecond, Seconds
from tests.pipeline.chain_parts import (
    CLIENT_RATE,
    DOWN_BYTES_PER_S,
    GIGA,
    RTT_S,
    SERVER_RATE,
    TWO,
    UP_BYTES_PER_S,
    X,
    Y,
    Z,
    chain,
    cost,
    placed,
    two,
)
from tests.timing_parts import coefficients, device, fact, network, runtime, scenario, tensor, unit

CLIENT, SERVER = Side
SCALAR = tensor("y", 1)
X_BYTES, Y_BYTES, Z_BYTES = 10 * 4, 77 * 768 * 4, 3 * 100 * 4

THREE = """
stages:
  - {id: one, model: a.onnx, inputs: {x: user}}
  - {id: two, model: b.onnx, inputs: {x: one.y}}
  - {id: three, model: c.onnx, inputs: {x: one.y, w: two.y}}
result: [three.y, one.y]
"""


def three(**totals: int) -> list[Any]:
    """Return the models of THREE: each reads x and writes y, of 77 x 768 floats."""
    x, w = tensor("x", 77, 768), tensor("w", 77, 768)
    inputs = ((x,), (x,), (x, w))
    return [cost(GIGA, each, (Y,), **totals) for each in inputs]


def travelling(found: Plan) -> list[tuple[int, str, str]]:
    """Return (request, side, tensor) of everything that crosses."""
    rows = enumerate(found.requests)
    return [(number, each.to.word, each.tensor) for number, request in rows for each in request.crossings]


def best(answer: ChainAnswer) -> Plan:
    """Return the best placement, which there is."""
    assert answer.best is not None
    return answer.best


def test_a_server_chain_takes_passes_one_round_trip_and_its_ends(tmp_path: Path) -> None:
    """Two stages on the server: their passes, 150 ms, 10 floats up and 3 x 100 floats down."""
    found = chain(tmp_path, TWO, two(100 * GIGA, 200 * GIGA))
    both = plan(found, (SERVER, SERVER))
    assert (100 + 200) * GIGA / SERVER_RATE == pytest.approx(both.server.typical.value)
    network_s = RTT_S + X_BYTES / UP_BYTES_PER_S + Z_BYTES / DOWN_BYTES_PER_S
    assert network_s == pytest.approx(both.network.typical.value)
    assert both.total.typical.value == pytest.approx(
        both.server.typical.value + both.client.typical.value + network_s
    )
    assert [(0, "server", "first.x"), (0, "client", "second.z")] == travelling(both)


def test_a_cut_ships_what_crosses_it(tmp_path: Path) -> None:
    """First on the client, second on the server: 77 x 768 floats go up at 20 Mbit/s."""
    cut = plan(chain(tmp_path, TWO, two(GIGA, GIGA)), (CLIENT, SERVER))
    assert (77 * 768 * 4, 3 * 100 * 4) == (cut.bytes_to(SERVER), cut.bytes_to(CLIENT))
    (up, _) = cut.requests[0].crossings
    assert "first.y" == up.tensor
    assert 236_544 / UP_BYTES_PER_S == pytest.approx(up.seconds)
    back = plan(chain(tmp_path, TWO, two(GIGA, GIGA)), (SERVER, CLIENT))
    assert (10 * 4, 77 * 768 * 4) == (back.bytes_to(SERVER), back.bytes_to(CLIENT))


def test_a_client_chain_asks_nobody(tmp_path: Path) -> None:
    """Everything on the client takes no network at all."""
    local = plan(chain(tmp_path, TWO, two(100 * GIGA, 200 * GIGA)), (CLIENT, CLIENT))
    assert ((), 0.0) == (local.requests, local.network.typical.value)
    assert 300 * GIGA / CLIENT_RATE == pytest.approx(local.total.typical.value)


def test_client_between_servers_is_two_requests(tmp_path: Path) -> None:
    """Server, client, server: two round trips; what the last one needs is there or sent up."""
    found = plan(chain(tmp_path, THREE, three()), (SERVER, CLIENT, SERVER))
    assert [("one",), ("three",)] == [request.stages for request in found.requests]
    assert [
        (0, "server", "one.x"),
        (0, "client", "one.y"),  # read by two and by the user: it travels once
        (1, "server", "two.y"),
        (1, "client", "three.y"),
    ] == travelling(found)
    network_s = 2 * RTT_S + 2 * Y_BYTES / UP_BYTES_PER_S + 2 * Y_BYTES / DOWN_BYTES_PER_S
    assert network_s == pytest.approx(found.network.typical.value)


def test_a_tensor_goes_up_with_the_first_stage_that_reads_it(tmp_path: Path) -> None:
    """Two stages of the server read one tensor of the client: it is sent once, with the first."""
    found = plan(chain(tmp_path, THREE, three()), (CLIENT, SERVER, SERVER))
    assert [(0, "server", "one.y"), (0, "client", "three.y")] == travelling(found)


def test_repeats_multiply_passes_and_nothing_else(tmp_path: Path) -> None:
    """A loop of 100 passes on one side takes 100 times one pass; what it carries does not travel."""
    text = TWO.replace("model: second.onnx", "model: second.onnx\n    repeats: 100")
    once, often = (plan(chain(tmp_path, t, two(GIGA, GIGA)), (CLIENT, SERVER)) for t in (TWO, text))
    assert 100 * once.server.typical.value == pytest.approx(often.server.typical.value)
    assert (once.network, once.client, once.setup) == (often.network, often.client, often.setup)


def test_constants_do_not_travel(tmp_path: Path) -> None:
    """What is known everywhere costs no bytes: the request is a round trip and the answer."""
    found = plan(chain(tmp_path, TWO.replace("x: user", "x: constant"), two(GIGA, GIGA)), (SERVER, SERVER))
    assert RTT_S + Z_BYTES / DOWN_BYTES_PER_S == pytest.approx(found.network.typical.value)


def test_spreads_of_one_side_add_and_of_different_ones_do_not(tmp_path: Path) -> None:
    """Stages of a unit are off together; client, server and link are off each for itself."""
    found = plan(chain(tmp_path, TWO, two(100 * GIGA, 200 * GIGA)), (CLIENT, CLIENT))
    one = found.client.high.value / found.client.typical.value
    assert one == pytest.approx(2.718281828 ** (1.2815515655 * 0.35))
    cut = plan(chain(tmp_path, TWO, two(100 * GIGA, 20_000 * GIGA)), (CLIENT, SERVER))
    apart = (cut.client.high.value - cut.client.typical.value) ** 2
    apart += (cut.server.high.value - cut.server.typical.value) ** 2
    assert apart**0.5 == pytest.approx(cut.total.high.value - cut.total.typical.value)


def test_two_requests_share_one_link(tmp_path: Path) -> None:
    """A round trip of unknown length is as long in both requests: their spread adds up."""
    link = network(evidence="estimate")
    made = chain(tmp_path, THREE, three(), link=link)
    split = plan(made, (SERVER, CLIENT, SERVER)).network
    assert 2 * RTT_S * (2.718281828 ** (1.2815515655 * 0.7) - 1) < split.high.value - split.typical.value


def test_a_first_visit_downloads_and_loads_once(tmp_path: Path) -> None:
    """The client's models come once each, beside the time of a run."""
    costs = three(download_bytes=1000, parameter_bytes=1000)
    text = THREE.replace("b.onnx", "a.onnx")
    slow = runtime(session_s=1.0)
    found = plan(chain(tmp_path, text, costs, client_runtime=slow), (CLIENT, CLIENT, SERVER))
    assert 1000 == found.download_bytes  # one and two are the same file
    assert 2 * 1000 == plan(chain(tmp_path, text, costs), (CLIENT,) * 3).download_bytes
    # TCP, TLS 1.3 and the request are a round trip each; a session starts in 1 s, once
    assert 3 * RTT_S + 1000 / DOWN_BYTES_PER_S + 1.0 + 1000 / 100e9 == pytest.approx(
        found.setup.typical.value
    )
    assert 0.0 == plan(chain(tmp_path, text, costs), (SERVER,) * 3).setup.typical.value


def test_a_converted_model_is_a_smaller_download(tmp_path: Path) -> None:
    """At fp16, 250 weights are 2 bytes each, beside 700 bytes of graph."""
    costs = three(download_bytes=1700, parameter_bytes=1000, parameters=250)
    half = runtime({"fp16": coefficients(), "fp32": coefficients()})
    made = chain(tmp_path, THREE, costs, client_runtime=half, client_precision="fp16")
    assert 700 + 250 * 2 == plan(made, (CLIENT, SERVER, SERVER)).download_bytes


def test_operators_that_nobody_runs_bar_a_stage(tmp_path: Path) -> None:
    """A client that runs no MatMul, and has nobody else who does, gets no stage."""
    table = SupportTable(
        id="t", name="a table", source="a test", date=date(2026, 1, 1), evidence="estimate", fallback="rt",
        sync=fact(Seconds(1e-3)), copy_bandwidth=fact(BytesPerSecond(1e9)), operators={"ai.onnx": ("Conv",)},
    )  # fmt: skip
    path = tmp_path / "chain.yaml"
    path.write_text(TWO, encoding="utf-8")
    costs = two(GIGA, GIGA)
    made = scenario(costs[0])
    lacking = replace(made, client=replace(made.client, rest=Rest(table=table)))
    found = place_all(build(read(path), costs, lacking))
    assert ("rt does not run Op (1 node)",) == found.chain.stages[0].runs[CLIENT].barred
    assert (SERVER, SERVER) == best(found).sides


def test_quick_client_keeps_small_stages(tmp_path: Path) -> None:
    """1 GFLOP on the client is 2 ms, on the server 150 ms: nothing is sent."""
    answer = placed(tmp_path, TWO, two(GIGA, GIGA))
    assert (CLIENT, CLIENT) == best(answer).sides


def test_heavy_work_goes_to_the_server(tmp_path: Path) -> None:
    """1 TFLOP is 2 s on the client and 20 ms on the server; the small stage goes with it."""
    answer = placed(tmp_path, TWO, two(GIGA, 1000 * GIGA))
    assert (SERVER, SERVER) == best(answer).sides
    (first, second) = answer.moves
    more = GIGA / CLIENT_RATE - GIGA / SERVER_RATE + (Y_BYTES - X_BYTES) / UP_BYTES_PER_S
    assert more == pytest.approx(first.plan.total.typical.value - best(answer).total.typical.value)
    assert (CLIENT, SERVER) == first.plan.sides
    assert (SERVER, CLIENT) == second.plan.sides


def test_alternatives_are_within_ten_percent(tmp_path: Path) -> None:
    """Placements up to 1.1 times the best are named, quickest first; others are not."""
    small = [cost(GIGA), cost(100 * GIGA, (Y,), (Z,))]
    answer = placed(tmp_path, TWO, small, link=network(up_mbit=2000.0))
    limit = 1.1 * best(answer).total.typical.value
    every = [plan(answer.chain, (a, b)) for a in Side for b in Side]
    close = sorted(p.total.typical.value for p in every if p.total.typical.value <= limit)
    assert close == [p.total.typical.value for p in (best(answer), *answer.alternatives)]
    assert 1 < len(close) < 4


def test_more_alternatives_than_are_named_are_said(tmp_path: Path) -> None:
    """Free links make every placement alike: ten are named, and that there are more."""
    rows = "".join(f"  - {{id: s{n}, model: m.onnx, inputs: {{x: constant}}}}\n" for n in range(5))
    same = {"client": device("near"), "server": device("far"), "link": network(rtt_s=0.0)}
    answer = placed(tmp_path, f"stages:\n{rows}result: s4.y\n", [cost(GIGA, (X,), (SCALAR,))] * 5, **same)
    assert (10, True) == (len(answer.alternatives), answer.more)


def test_private_stage_stays_and_its_inputs_do_not_go_up(tmp_path: Path) -> None:
    """A private stage runs on the client, and what it reads is sent nowhere from there."""
    text = THREE.replace("inputs: {x: one.y}}", "inputs: {x: one.y}, private: true}")
    costs = [cost(1000 * GIGA, c.model.inputs, c.model.outputs) for c in three()]
    answer = placed(tmp_path, text, costs)
    assert CLIENT is best(answer).sides[1]
    barred = plan(answer.chain, (CLIENT, CLIENT, SERVER)).barred
    assert ("one.y must not leave the client: a private stage reads it",) == barred
    assert () == plan(answer.chain, (SERVER, CLIENT, SERVER)).barred  # the server wrote it itself


def test_secret_stage_is_not_shipped(tmp_path: Path) -> None:
    """A secret stage runs on the server although the client is quicker, and the answer says so."""
    answer = placed(tmp_path, TWO.replace("inputs: {y", "secret: true\n    inputs: {y"), two(GIGA, GIGA))
    assert SERVER is best(answer).sides[1]
    (reason,) = answer.reasons
    assert "everything on the client: second on the client: its weights must not be shipped" in reason


def test_place_is_where_a_stage_runs(tmp_path: Path) -> None:
    """A stage with a place runs there, whatever it takes."""
    text = TWO.replace("inputs: {x", "place: server\n    inputs: {x")
    assert SERVER is best(placed(tmp_path, text, two(GIGA, GIGA))).sides[0]


def test_memory_of_all_client_stages_is_checked(tmp_path: Path) -> None:
    """Two stages of 3 GB do not fit 5 GB together, though each does: the reason is given."""
    costs = [
        cost(GIGA, inputs, outputs, parameter_bytes=3 * GIGA, parameters=3 * GIGA // 4)
        for inputs, outputs in (((X,), (Y,)), ((Y,), (Z,)))
    ]
    near = device("near", app=5.0)
    answer = placed(tmp_path, TWO, costs, client=near)
    assert (SERVER, SERVER) == best(answer).sides
    assert all(not run.barred for stage in answer.chain.stages for run in stage.runs)
    (reason,) = answer.reasons
    assert "all stages on the client: 6 GB of memory are needed on near, where an app may use 5 GB" in reason
    room = placed(tmp_path, TWO, costs, client=device("near", app=6.0))
    assert ((CLIENT, CLIENT), (), ()) == (best(room).sides, best(room).barred, room.reasons)


def test_largest_activation_counts_once(tmp_path: Path) -> None:
    """Stages run one after another: 2 x 1 GB of weights and the larger activations, 3 GB, are 5 GB."""
    costs = [
        cost(GIGA, i, o, parameter_bytes=GIGA, parameters=GIGA // 4, peak_activation_bytes=peak * GIGA)
        for i, o, peak in (((X,), (Y,), 2), ((Y,), (Z,), 3))
    ]
    answer = placed(tmp_path, TWO, costs)
    assert 5 * GIGA == answer.all_client.need_bytes[CLIENT]


def test_memory_of_the_runtime_counts(tmp_path: Path) -> None:
    """A model of 3 GB beside 2 GB of the runtime does not fit 4 GB."""
    costs = two(GIGA, GIGA)
    costs[0] = cost(GIGA, (X,), (Y,), parameter_bytes=3 * GIGA, parameters=3 * GIGA // 4)
    fat = runtime(overhead_bytes=2 * GIGA)
    answer = placed(tmp_path, TWO, costs, client=device("near", app=4.0), client_runtime=fat)
    assert ("5 GB of memory are needed on near, where an app may use 4 GB",) == (
        answer.chain.stages[0].runs[CLIENT].barred
    )


def test_no_allowed_placement_is_an_answer_with_reasons(tmp_path: Path) -> None:
    """A secret stage that the server cannot hold may run nowhere: both reasons are given."""
    costs = two(GIGA, GIGA)
    costs[1] = cost(GIGA, (Y,), (Z,), parameter_bytes=3 * GIGA, parameters=3 * GIGA // 4)
    answer = placed(
        tmp_path,
        TWO.replace("inputs: {y", "secret: true\n    inputs: {y"),
        costs,
        server=device("far", unit(fp32=100.0), app=1.0),
    )
    assert (None, (), ()) == (answer.best, answer.alternatives, answer.moves)
    (reason,) = answer.reasons
    near, far = reason.split("; ")
    assert "second: not on the client, its weights must not be shipped (secret)" == near
    assert "not on the server, 3 GB of memory are needed on far, where an app may use 1 GB." == far


def test_stages_that_do_not_fit_together_are_no_answer(tmp_path: Path) -> None:
    """Two stages that must share a side too small for both: the sum is the reason."""
    text = TWO.replace("inputs: {", "secret: true\n    inputs: {")
    costs = [
        cost(GIGA, i, o, parameter_bytes=GIGA, parameters=GIGA // 4) for i, o in (((X,), (Y,)), ((Y,), (Z,)))
    ]
    answer = placed(tmp_path, text, costs, server=device("far", unit(fp32=100.0), app=1.5))
    assert answer.best is None
    (reason,) = answer.reasons
    assert reason.startswith("With everything on the server: all stages on the server: 2 GB of memory")


def test_privacy_that_leaves_no_placement_is_said(tmp_path: Path) -> None:
    """A tensor of the client that a private and a secret stage read can reach only one of them."""
    text = (
        THREE.replace("{x: user}}", "{x: user}, private: true}")
        .replace("{x: one.y}}", "{x: one.y}, private: true}")
        .replace("w: two.y}}", "w: two.y}, secret: true}")
    )
    answer = placed(tmp_path, text, three())
    assert answer.best is None
    assert "one.y must not leave the client: a private stage reads it" in answer.reasons[0]


def test_shapes_that_differ_are_noted(tmp_path: Path) -> None:
    """A stage that reads another shape than is written may hide a step: the answer says so."""
    costs = [cost(GIGA), cost(GIGA, (tensor("y", 2, 77, 768),), (Z,))]
    notes = placed(tmp_path, TWO, costs).chain.notes
    assert any("first.y is [77, 768], and second reads [2, 77, 768] from it" in note for note in notes)


def test_sizes_beyond_any_clock_are_refused(tmp_path: Path) -> None:
    """Work that no float can hold is one sentence."""
    with pytest.raises(ModelError, match="no time can be computed"):
        placed(tmp_path, TWO, two(10**400, 1))
