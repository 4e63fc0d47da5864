"""Shape rules of com.microsoft: what graph optimisers put in, and operators that ONNX got later.

Source of all: the operator schemas of ONNX Runtime 1.32 (docs/ContribOperators.md); held
against runs in tests/loader/test_contrib_runs.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np

from feasibility.ir import DType
from feasibility.loader.rules.common import (
    Rule,
    broadcast,
    given,
    has,
    integers,
    known,
    like,
    matmul_dims,
    number,
    over,
    plus,
    same_as_first,
    scalar,
    times,
    value,
)
from feasibility.loader.rules.common import tensor as known_tensor
from feasibility.loader.rules.quantised import gemm_dims, recurrent
from feasibility.loader.rules.windows import convolved, pooled
from feasibility.loader.types import Call, Type

_MASK_BITS = 32  # elements of a dropout mask in one uint32


def _skip_layer_normalization(call: Call) -> Sequence[Type]:
    """Y, mean and inverse deviation over the last axis, and the sum of input, skip and bias."""
    first = given(call, 0)
    statistics = Type(DType.FLOAT.code, None if first.dims is None else (*first.dims[:-1], 1))
    return (first, statistics, statistics, first)


def _embed_layer_normalization(call: Call) -> Sequence[Type]:
    """Y and the sum of embeddings [B, S, H], between them the number of tokens per sequence."""
    batch, length = known(call, 0)
    embedded = like(call, 2, batch, length, known(call, 2)[1])
    return (embedded, Type(DType.INT32.code, (batch,)), embedded)


def _dropout(*, packed: bool) -> Rule:
    """Return the rule of a dropout: the data, and a mask of booleans or of packed bits."""

    def rule(call: Call) -> Sequence[Type]:
        data = given(call, 0)
        if not packed:
            return (data, Type(DType.BOOL.code, data.dims))
        count = times(*known(call, 0))
        words = None if count is None else ceil(count / _MASK_BITS)
        return (data, Type(DType.UINT32.code, (words,)))

    return rule


def _halved(call: Call) -> Sequence[Type]:
    *lead, width = known(call, 0)
    return (like(call, 0, *lead, over(width, 2)),)


def _gated(call: Call) -> Sequence[Type]:
    """SwiGLU: both halves in one input, or each in its own."""
    return (given(call, 0),) if has(call, 1) else _halved(call)


def _distances(call: Call) -> Sequence[Type]:
    return (like(call, 0, known(call, 0)[0], known(call, 1)[0]),)


def _broadcast(call: Call) -> Sequence[Type]:
    return (like(call, 0, *broadcast(known(call, 0), known(call, 1))),)


def _causal_conv(call: Call) -> Sequence[Type]:
    """CausalConvWithState: Y like X or some of its channels; the state is the steps behind the last tap."""
    batch, *rest = known(call, 0)
    last, some = number(call, "channels_last", 0) != 0, number(call, "input_channels", 0)
    if some:
        rest[-1] = some
    channels = rest[1:] if last else rest[:-1]
    reach = times(plus(known(call, 1)[-1], -1), number(call, "dilation", 1))
    steps = number(call, "state_length", 0) or reach
    state_last = number(call, "state_channels_last", -1)
    state = (steps, *channels) if (last if state_last < 0 else state_last) else (*channels, steps)
    window = number(call, "state_window", 0)
    return (
        like(call, 0, batch, *rest),
        given(call, 3) if has(call, 3) else like(call, 0, *([window] if window else []), batch, *state),
        like(call, 0, batch, number(call, "state_update_capacity", 0), times(*channels)),
    )


def _varlen_causal_conv(call: Call) -> Sequence[Type]:
    capacity, batch = number(call, "state_update_capacity", 0), known(call, 4)[0]
    return (given(call, 0), given(call, 4), like(call, 0, batch, capacity, known(call, 0)[1]))


def _conv_transpose(call: Call) -> Sequence[Type]:
    """ConvTransposeWithDynamicPads: known where the pads are, by the formula of ONNX ConvTranspose-22."""
    x, w = known(call, 0), known(call, 1)
    rank = len(x) - 2
    strides, dilations = integers(call, "strides", (1,) * rank), integers(call, "dilations", (1,) * rank)
    extra = integers(call, "output_padding", (0,) * rank)
    pads = value(call, 2) if has(call, 2) else integers(call, "pads", (0,) * 2 * rank)
    channels = times(w[1], number(call, "group", 1))
    if pads is None:
        return (like(call, 0, x[0], channels, *[None] * rank),)
    places = zip(x[2:], w[2:], strides, dilations, extra, pads[:rank], pads[rank:], strict=True)
    sizes = [
        None if d is None or k is None else s * (d - 1) + more + (k - 1) * dilation + 1 - before - after
        for d, k, s, dilation, more, before, after in places
    ]
    return (like(call, 0, x[0], channels, *sizes),)


def _crop_and_resize(call: Call) -> Sequence[Type]:
    size = value(call, 3) or (None, None)
    return (like(call, 0, known(call, 1)[0], known(call, 0)[1], *size),)


def _expand_dims(call: Call) -> Sequence[Type]:
    dims, axis = list(known(call, 0)), scalar(call, 1)
    if axis is None:
        return (like(call, 0, *[None] * (len(dims) + 1)),)
    dims.insert(axis if axis >= 0 else len(dims) + 1 + axis, 1)
    return (like(call, 0, *dims),)


def _fused_matmul(call: Call) -> Sequence[Type]:
    """FusedMatMul: transA and transB swap the last two axes, transBatch moves the first behind the batch."""
    dims = [list(known(call, n)) for n in (0, 1)]
    for shape, name in zip(dims, ("A", "B"), strict=True):
        if len(shape) > 1 and number(call, f"transBatch{name}", 0):
            shape.insert(-1, shape.pop(0))
        if len(shape) > 1 and number(call, f"trans{name}", 0):
            shape[-2:] = reversed(shape[-2:])
    return (like(call, 0, *matmul_dims(tuple(dims[0]), tuple(dims[1]))),)


def _matmul(call: Call) -> Sequence[Type]:
    return (like(call, 0, *matmul_dims(known(call, 0), known(call, 1))),)


def _sparse_matmul(call: Call) -> Sequence[Type]:
    a, b = list(known(call, 0)), list(known(call, 1))
    if number(call, "transA", 0):
        a.reverse()
    if number(call, "transB", 0):
        b[-2:] = reversed(b[-2:])
    return (like(call, 1, *matmul_dims(tuple(a), tuple(b))),)


def _gather_nd(call: Call) -> Sequence[Type]:
    data, indices = known(call, 0), known(call, 1)
    depth = indices[-1]
    if depth is None:
        return (Type(given(call, 0).elem, None),)
    return (like(call, 0, *indices[:-1], *data[depth:]),)


def _grid_sample(call: Call) -> Sequence[Type]:
    return (like(call, 0, *known(call, 0)[:2], *known(call, 1)[1:-1]),)


def _hash(call: Call) -> Sequence[Type]:
    elem = DType.UINT32 if number(call, "positive", 1) else DType.INT32
    return (Type(elem.code, known(call, 0)),)


def _hash_mapping(call: Call) -> Sequence[Type]:
    """NGramHashMapping: an id per head of each n-gram; what it carries on is n - 1 ids a sequence."""
    ids, most = known(call, 0), number(call, "max_ngram_size")
    sequences = ids[0] if len(ids) > 1 else plus(known(call, 3)[0], -1)
    carried = like(call, 0, sequences, most - 1)
    updates = like(call, 0, sequences, number(call, "state_update_capacity", 0), most - 1)
    return (like(call, 0, *ids, (most - 1) * number(call, "n_head_per_ngram")), carried, carried, updates)


def _pad(call: Call) -> Sequence[Type]:
    dims, pads = known(call, 0), value(call, 1)
    if pads is None:
        return (like(call, 0, *[None] * len(dims)),)
    sides = zip(dims, pads[: len(dims)], pads[len(dims) :], strict=True)
    return (like(call, 0, *[None if d is None else d + a + b for d, a, b in sides]),)


def _range(call: Call) -> Sequence[Type]:
    """Range of known numbers, else of a length that nobody knows."""
    ends = [_real(call, n) for n in range(len(call.inputs))]
    if None in ends:
        return (like(call, 0, None),)
    start, limit, step = (*[float(e) for e in ends if e is not None], 1.0)[:3]
    return (like(call, 0, max(ceil((limit - start) / step), 0)),)


def _real(call: Call, index: int) -> float | None:
    raw = call.values[index] if index < len(call.values) else None
    if raw is None:
        return None
    numbers = np.frombuffer(known_tensor(call.inputs[index], raw).raw_data, _NUMPY[given(call, index).elem])
    return float(numbers[0])


_NUMPY = {
    DType.FLOAT.code: "<f4",
    DType.DOUBLE.code: "<f8",
    DType.INT16.code: "<i2",
    DType.INT32.code: "<i4",
    DType.INT64.code: "<i8",
}


def _real_fourier(call: Call) -> Sequence[Type]:
    *lead, n = known(call, 0)
    bins = None if n is None else n // 2 + 1 if number(call, "onesided", 1) else n
    return (like(call, 0, *lead, bins, 2),)


def _real_inverse_fourier(call: Call) -> Sequence[Type]:
    *lead, bins, _ = known(call, 0)
    n = None if bins is None else 2 * (bins - 1) if number(call, "onesided", 1) else bins
    return (like(call, 0, *lead, n),)


def _lookup(call: Call) -> Sequence[Type]:
    return (like(call, 0, *known(call, 1), known(call, 0)[1]),)


def _unfold(call: Call) -> Sequence[Type]:
    dims, size = list(known(call, 0)), number(call, "size")
    axis, step = number(call, "dim", -1), number(call, "step", 1)
    length = dims[axis]
    dims[axis] = None if length is None else (length - size) // step + 1
    return (like(call, 0, *dims, size),)


def _unique(call: Call) -> Sequence[Type]:
    int64 = DType.INT64.code
    return (like(call, 0, None), Type(int64, known(call, 0)), Type(int64, (None,)))


def _word_embedding(call: Call) -> Sequence[Type]:
    return (like(call, 1, *known(call, 0)[:-1], known(call, 1)[0]),)


def _pre_mix(call: Call) -> Sequence[Type]:
    """HyperConnectionPreMix: one stream [..., H] of [..., C, H], or of [..., C*H] with num_branches."""
    *lead, width = known(call, 0)
    branches = number(call, "num_branches", 0)
    if branches:
        return (like(call, 0, *lead, over(width, branches)),)
    return (like(call, 0, *lead[:-1], width),)


def _low_rank_mix(call: Call) -> Sequence[Type]:
    *lead, width = known(call, 0)
    branches = number(call, "num_branches")
    return (like(call, 0, *lead, over(width, branches)), like(call, 0, *lead, branches), given(call, 0))


def _mamba(call: Call) -> Sequence[Type]:
    """Mamba2Verify: Y [R, heads * head_dim], both snapshots, and what is between on request."""
    tokens, width = known(call, 0)[0], times(number(call, "heads"), number(call, "head_dim"))
    convolved = like(call, 0, tokens, known(call, 3)[0])
    readout = Type(DType.FLOAT.code, (tokens, width))
    return (like(call, 0, tokens, width), given(call, 1), given(call, 2), convolved, readout)


def _router(call: Call) -> Sequence[Type]:
    """RouterGateUpProj: logits of the router, and half of what is left of the product's columns."""
    *lead, _ = known(call, 0)
    logits = number(call, "router_size")
    return (like(call, 0, *lead, logits), like(call, 0, *lead, over(plus(known(call, 1)[1], -logits), 2)))


_LIKE_FIRST = (
    "BiasAdd", "BiasGelu", "BiasSoftmax", "BranchwiseRMSNorm", "FastGelu", "GatedAdd", "GatedRMSNorm", "Gelu",
    "GroupNorm", "HyperConnectionPostMix", "Inverse", "QuickGelu", "SampleOp", "ScaledSiLU", "Trilu",
)  # fmt: skip

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_LIKE_FIRST, same_as_first),
    "AttnLSTM": recurrent,
    "BiasDropout": _dropout(packed=False),
    "BiasSplitGelu": _halved,
    "BitmaskBiasDropout": _dropout(packed=True),
    "BitmaskDropout": _dropout(packed=True),
    "CDist": _distances,
    "CausalConvWithState": _causal_conv,
    "ComplexMul": _broadcast,
    "ComplexMulConj": _broadcast,
    "ConvTransposeWithDynamicPads": _conv_transpose,
    "CropAndResize": _crop_and_resize,
    "DynamicTimeWarping": lambda _: (Type(DType.INT32.code, (2, None)),),
    "EmbedLayerNormalization": _embed_layer_normalization,
    "EngramGate": lambda call: (given(call, 0), given(call, 0)),
    "ExpandDims": _expand_dims,
    "FusedConv": lambda call: (convolved(call, 1, channels_last=False),),
    "FusedGemm": lambda call: (like(call, 0, *gemm_dims(call)),),
    "FusedMatMul": _fused_matmul,
    "FusedMatMulActivation": _fused_matmul,
    "GatherND": _gather_nd,
    "GemmFastGelu": _matmul,
    "GridSample": _grid_sample,
    "HyperConnectionLowRankMix": _low_rank_mix,
    "HyperConnectionPreMix": _pre_mix,
    "Irfft": _real_inverse_fourier,
    "IsAllFinite": lambda _: (Type(DType.BOOL.code, ()),),
    "Mamba2Verify": _mamba,
    "MaxpoolWithMask": lambda call: (pooled(call, channels_last=False),),
    "MurmurHash3": _hash,
    "NGramHashMapping": _hash_mapping,
    "NGramRepeatBlock": lambda call: (given(call, 1),),
    "NhwcConv": lambda call: (convolved(call, 1, channels_last=True),),
    "NhwcFusedConv": lambda call: (convolved(call, 1, channels_last=True),),
    "NhwcMaxPool": lambda call: (pooled(call, channels_last=True),),
    "Pad": _pad,
    "Range": _range,
    "Rfft": _real_fourier,
    "RouterGateUpProj": _router,
    "SkipGroupNorm": lambda call: (given(call, 0), given(call, 0)),
    "SkipLayerNormalization": _skip_layer_normalization,
    "SkipSimplifiedLayerNormalization": _skip_layer_normalization,
    "SparseToDenseMatMul": _sparse_matmul,
    "SwiGLU": _gated,
    "TorchEmbedding": _lookup,
    "TransposeMatMul": _fused_matmul,
    "UnfoldTensor": _unfold,
    "Unique": _unique,
    "VarlenCausalConvWithState": _varlen_causal_conv,
    "VarlenNGramHashMapping": _hash_mapping,
    "WordConvEmbedding": _word_embedding,
}
