"""Laws that hold whatever the sizes: doubling, equivalent forms, and loops that count one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feasibility.cost import OpCost
from feasibility.ir import DEFAULT_DOMAIN, Attribute, DType, Node, TensorSpec
from feasibility.ops import DEFAULT
from feasibility.ops.elementwise import PER_ELEMENT
from feasibility.ops.reduction import REDUCTIONS

OPSET = 28
Shape = tuple[int, ...]

quick = settings(deadline=None, max_examples=60)
small = st.integers(1, 5)
shapes = st.lists(st.integers(0, 5), max_size=4).map(tuple)


def cost(op_type: str, inputs: Iterable[Shape], output: Shape, **attributes: Attribute) -> OpCost:
    """Return what the built-in rule says of a node over float tensors."""
    rule = DEFAULT.find(DEFAULT_DOMAIN, op_type, OPSET)
    assert rule is not None
    node = Node(
        name="n",
        domain=DEFAULT_DOMAIN,
        op_type=op_type,
        opset=OPSET,
        inputs=tuple(TensorSpec(name="x", dtype=DType.FLOAT, shape=shape) for shape in inputs),
        outputs=(TensorSpec(name="y", dtype=DType.FLOAT, shape=output),),
        attributes=attributes,
    )
    return rule(node)


def rounds(*sizes: int) -> int:
    """Count the rounds of nested loops, one by one."""
    return sum(1 for _ in product(*map(range, sizes)))


@dataclass(frozen=True, kw_only=True)
class Window:
    """A sliding window along one axis."""

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int

    @property
    def starts(self) -> list[int]:
        """Return every place on the padded axis where the whole window fits."""
        padded = self.before + self.size + self.after
        return [p for p in range(0, padded, self.stride) if p + self.dilation * (self.kernel - 1) < padded]

    @property
    def spread(self) -> int:
        """Return the length that a transposed convolution writes."""
        places = product(range(self.size), range(self.kernel))
        return 1 + max(i * self.stride + k * self.dilation for i, k in places)


windows = st.lists(
    st.builds(
        Window,
        size=st.integers(5, 7),
        kernel=st.integers(1, 3),
        stride=st.integers(1, 3),
        dilation=st.integers(1, 2),
        before=st.integers(0, 2),
        after=st.integers(0, 2),
    ),
    min_size=1,
    max_size=2,
)


@quick
@given(axes=windows, n=st.integers(1, 2), group=st.integers(1, 3), c=st.integers(1, 2), m=st.integers(1, 2))
def test_conv_equals_a_loop(axes: list[Window], n: int, group: int, c: int, m: int) -> None:
    """Conv counts each output, each channel of its group and each tap, padding zeros included."""
    kernel = [a.kernel for a in axes]
    taps = 0
    for _ in product(range(n), range(group * m), *(a.starts for a in axes)):
        taps += rounds(c, *kernel)
    x = (n, group * c, *(a.size for a in axes))
    y = (n, group * m, *(len(a.starts) for a in axes))
    assert taps == cost("Conv", [x, (group * m, c, *kernel)], y, group=group).fmas


@quick
@given(axes=windows, n=st.integers(1, 2), group=st.integers(1, 3), c=st.integers(1, 2), m=st.integers(1, 2))
def test_conv_transpose_equals_a_loop(axes: list[Window], n: int, group: int, c: int, m: int) -> None:
    """ConvTranspose counts each input times each output channel of its group times each tap."""
    kernel = [a.kernel for a in axes]
    taps = 0
    for _ in product(range(n), range(group * c), *(range(a.size) for a in axes)):
        taps += rounds(m, *kernel)
    x = (n, group * c, *(a.size for a in axes))
    y = (n, group * m, *(a.spread for a in axes))
    assert taps == cost("ConvTranspose", [x, (group * c, m, *kernel)], y, group=group).fmas


@quick
@given(axes=windows, n=st.integers(1, 2), c=st.integers(1, 3))
def test_pooling_equals_a_loop(axes: list[Window], n: int, c: int) -> None:
    """Pooling meets each element of each window once; the mean divides once more."""
    kernel = tuple(a.kernel for a in axes)
    places = list(product(range(n), range(c), *(a.starts for a in axes)))
    met = sum(rounds(*kernel) for _ in places)
    x = (n, c, *(a.size for a in axes))
    y = (n, c, *(len(a.starts) for a in axes))
    assert met == cost("MaxPool", [x], y, kernel_shape=kernel).arithmetic
    assert met + len(places) == cost("AveragePool", [x], y, kernel_shape=kernel).arithmetic


@quick
@given(batch=st.lists(st.tuples(small, st.booleans(), st.booleans()), max_size=2), m=small, k=small, n=small)
def test_matmul_equals_a_loop(batch: list[tuple[int, bool, bool]], m: int, k: int, n: int) -> None:
    """MatMul counts every output of every broadcast batch and every inner index."""
    sizes = [size for size, _, _ in batch]
    a = [1 if alone else size for size, alone, _ in batch]
    b = [1 if alone and not other else size for size, other, alone in batch]
    assert rounds(*sizes, m, n, k) == cost("MatMul", [(*a, m, k), (*b, k, n)], (*sizes, m, n)).fmas


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, list[Shape], Shape, int]:
    """Draw a two-operand equation, its shapes, and the rounds that a loop over all labels takes."""
    sizes = {label: draw(st.integers(1, 4)) for label in "abcd"}
    left = draw(st.permutations("abcd"))[: draw(st.integers(1, 4))]
    right = draw(st.permutations("abcd"))[: draw(st.integers(1, 4))]
    used = sorted({*left, *right})
    out = draw(st.permutations(used))[: draw(st.integers(0, len(used) - 1))]
    operands = [tuple(sizes[c] for c in term) for term in (left, right)]
    equation = f"{''.join(left)},{''.join(right)}->{''.join(out)}"
    return equation, operands, tuple(sizes[c] for c in out), rounds(*(sizes[c] for c in used))


@quick
@given(equations())
def test_einsum_equals_a_loop(drawn: tuple[str, list[Shape], Shape, int]) -> None:
    """Einsum of two operands that sums a label counts one multiply-add per value of all labels."""
    equation, operands, out, expected = drawn
    assert expected == cost("Einsum", operands, out, equation=equation).fmas


@quick
@given(t=small, b=small, d=st.integers(1, 2), i=small, h=small)
def test_recurrent_layers_equal_a_loop(t: int, b: int, d: int, i: int, h: int) -> None:
    """A recurrent layer multiplies each gate's weights with the input and the state at each step."""
    for op_type, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        expected = 0
        for _ in product(range(t), range(b), range(d), range(gates), range(h)):
            expected += rounds(i) + rounds(h)
        inputs = [(t, b, i), (d, gates * h, i), (d, gates * h, h)]
        assert expected == cost(op_type, inputs, (t, d, b, h)).fmas


@quick
@given(outer=st.tuples(small, small), q=small, kv=small, widths=st.tuples(small, small))
def test_attention_equals_two_products(
    outer: tuple[int, int], q: int, kv: int, widths: tuple[int, int]
) -> None:
    """Attention counts the product of queries and keys and the product of scores and values."""
    e, f = widths
    scores = cost("MatMul", [(*outer, q, e), (*outer, e, kv)], (*outer, q, kv))
    mixed = cost("MatMul", [(*outer, q, kv), (*outer, kv, f)], (*outer, q, f))
    inputs = [(*outer, q, e), (*outer, kv, e), (*outer, kv, f)]
    assert scores.fmas + mixed.fmas == cost("Attention", inputs, (*outer, q, f)).fmas


@quick
@given(m=small, k=small, n=small)
def test_one_product_in_five_forms(m: int, k: int, n: int) -> None:
    """MatMul, Gemm, Einsum, a 1x1 convolution and a quantised product count the same multiply-adds."""
    forms = {
        "MatMul": cost("MatMul", [(m, k), (k, n)], (m, n)),
        "Gemm": cost("Gemm", [(m, k), (n, k)], (m, n), transB=1),
        "Einsum": cost("Einsum", [(m, k), (k, n)], (m, n), equation="ij,jk"),
        "Conv": cost("Conv", [(1, k, m), (n, k, 1)], (1, n, m)),
        "MatMulInteger": cost("MatMulInteger", [(m, k), (k, n)], (m, n)),
    }
    assert dict.fromkeys(forms, m * k * n) == {name: form.fmas for name, form in forms.items()}


@quick
@given(c=small, size=st.integers(3, 9), kernel=st.integers(1, 3))
def test_grouped_by_channel_is_depthwise(c: int, size: int, kernel: int) -> None:
    """A convolution with as many groups as channels costs as many one-channel convolutions."""
    out = size - kernel + 1
    grouped = cost("Conv", [(1, c, size), (c, 1, kernel)], (1, c, out), group=c)
    single = cost("Conv", [(1, 1, size), (1, 1, kernel)], (1, 1, out))
    assert c * single.fmas == grouped.fmas


@quick
@given(c=small, m=small, size=st.integers(3, 7), kernel=st.integers(1, 3))
def test_transposed_convolution_is_the_adjoint(c: int, m: int, size: int, kernel: int) -> None:
    """A transposed convolution counts as much as the convolution it undoes."""
    out = size - kernel + 1
    forward = cost("Conv", [(1, c, size), (m, c, kernel)], (1, m, out))
    back = cost("ConvTranspose", [(1, m, out), (m, c, kernel)], (1, c, size))
    assert forward.fmas == back.fmas


BATCHED: dict[str, Callable[[int], OpCost]] = {
    "Conv": lambda n: cost("Conv", [(n, 3, 8, 8), (4, 3, 3, 3), (4,)], (n, 4, 6, 6)),
    "ConvTranspose": lambda n: cost("ConvTranspose", [(n, 3, 4, 4), (3, 4, 2, 2)], (n, 4, 5, 5)),
    "DeformConv": lambda n: cost("DeformConv", [(n, 3, 8, 8), (4, 3, 1, 1), (n, 2, 8, 8)], (n, 4, 8, 8)),
    "MatMul": lambda n: cost("MatMul", [(n, 7, 5), (5, 3)], (n, 7, 3)),
    "Gemm": lambda n: cost("Gemm", [(n, 5), (5, 3), (3,)], (n, 3)),
    "Einsum": lambda n: cost("Einsum", [(n, 7, 5), (5, 3)], (n, 7, 3), equation="bij,jk->bik"),
    "Attention": lambda n: cost("Attention", [(n, 2, 5, 8)] * 3, (n, 2, 5, 8)),
    "LinearAttention": lambda n: cost(
        "LinearAttention", [(n, 5, 8)] * 3, (n, 5, 8), q_num_heads=2, kv_num_heads=2, update_rule="linear"
    ),
    "LSTM": lambda n: cost("LSTM", [(6, n, 3), (1, 16, 3), (1, 16, 4)], (6, 1, n, 4)),
    "Det": lambda n: cost("Det", [(n, 5, 5)], (n,)),
}


@pytest.mark.parametrize("op_type", BATCHED)
@quick
@given(n=st.integers(1, 50))
def test_twice_the_batch_is_twice_the_work(op_type: str, n: int) -> None:
    """Doubling the batch doubles every count of an operator with weights."""
    once, twice = BATCHED[op_type](n), BATCHED[op_type](2 * n)
    assert 2 * once.fmas == twice.fmas
    assert 2 * once.arithmetic == twice.arithmetic
    assert 2 * once.transcendentals == twice.transcendentals


def loop_determinant(size: int) -> int:
    """Count the multiply-subtracts of an elimination, one by one."""
    return sum(rounds(size - pivot - 1, size - pivot - 1) for pivot in range(size))


@quick
@given(size=st.integers(0, 9))
def test_determinant_equals_an_elimination(size: int) -> None:
    """Det counts the multiply-subtracts below and right of every pivot."""
    assert loop_determinant(size) == cost("Det", [(size, size)], ()).fmas


@quick
@given(
    shape=shapes, op_type=st.sampled_from([*PER_ELEMENT, *REDUCTIONS, "Softmax", "Clip", "Gelu", "Identity"])
)
def test_counts_are_whole_and_not_negative(shape: Shape, op_type: str) -> None:
    """Whatever the shape, empty tensors and scalars included, counts are integers of at least 0."""
    found = cost(op_type, [shape], shape)
    for count in (found.fmas, found.arithmetic, found.transcendentals, found.flops):
        assert int is type(count)
        assert count >= 0
