"""Name the operators that no rule counts, each with the reason that the user reads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from feasibility.ir import DEFAULT_DOMAIN, MICROSOFT_DOMAIN

_TEXT = "its work depends on the length of the strings, which no graph tells"
_IMAGE = "its work depends on the compressed image, which no graph tells"

_REASONS = {
    "SequenceMap": "its body runs once per element of a sequence, and no graph tells how many there are",
    "ImageDecoder": _IMAGE,
    "RegexFullMatch": _TEXT,
    "StringConcat": _TEXT,
    "StringNormalizer": _TEXT,
    "StringSplit": _TEXT,
    **dict.fromkeys(
        (
            "DisentangledAttention_TRT", "EfficientNMS_TRT", "MultilevelCropAndResize_TRT",
            "PyramidROIAlign_TRT",
        ),
        "it is a plugin of TensorRT, whose work no graph describes",
    ),
}  # fmt: skip

_GENERATION = "it runs its decoder until the data says stop: count the decoder, a model of its own, per token"
_COMPILED = "it holds a program that another compiler made, which no graph describes"
_BLOCKS = "its block format is not in the graph"
_SELECTION = "what it selects and keeps depends on the data of earlier calls"
_REPLAY = "it copies as much of a cache as the data says"
_SERVICE = "it asks a service elsewhere"
_TRAINING = "it is part of training, and this counts a forward pass"

# the second is what onnx.helper.VERSION_TABLE calls it
_TRAINING_DOMAINS = ("ai.onnx.preview.training", "ai.onnx.training")
_TRAINING_OPERATORS = ("Adagrad", "Adam", "Gradient", "Momentum")

_MICROSOFT_REASONS = {
    "BeamSearch": _GENERATION,
    "BifurcationDetector": "how many tokens it compares and hands on depends on the data",
    "ConvStateReplay": _REPLAY,
    "DequantizeBFP": _BLOCKS,
    "EPContext": _COMPILED,
    "GatedDeltaNetStateReplay": _REPLAY,
    "GreedySearch": _GENERATION,
    "PackedSparseAttentionIndexer": _SELECTION,
    "PackedSparseAttentionIndexerMerge": _SELECTION,
    "QuantizeBFP": _BLOCKS,
    "Sampling": _GENERATION,
    "Snpe": _COMPILED,
    "SparseAttentionIndexer": _SELECTION,
    "SpeculativePrefixCommit": _SELECTION,
    "Tokenizer": _TEXT,
    "WhisperBeamSearch": _GENERATION,
    # training operators that real files hold
    **dict.fromkeys(
        (
            "AdamWOptimizer", "BiasFastGeluGrad_dX", "BitmaskDropoutGrad", "BroadcastGradientArgs",
            "ConcatTraining", "DropoutGrad", "GeluGrad", "InPlaceAccumulatorV2", "LayerNormalizationGrad",
            "Recv", "ReluGrad", "Send", "SliceGrad", "SoftmaxCrossEntropyLossGrad",
            "SoftmaxCrossEntropyLossInternal", "SoftmaxCrossEntropyLossInternalGrad", "SoftmaxGrad",
            "SoftmaxGrad_13", "YieldOp",
        ),
        _TRAINING,
    ),
}  # fmt: skip

# onnxruntime-extensions (its shared/lib and operators/ folders, 2026-11), under both of its domains
_EXTENSION_REASONS = {
    **dict.fromkeys(
        (
            "BasicTokenizer", "BertTokenizer", "BertTokenizerDecoder", "BlingFireSentenceBreaker",
            "BpeDecoder", "CLIPTokenizer", "GPT2Tokenizer", "HfBertTokenizer", "MaskedFill",
            "RobertaTokenizer", "SentencepieceDecoder", "SentencepieceTokenizer", "StringConcat",
            "StringECMARegexReplace", "StringECMARegexSplitWithOffsets", "StringEqual", "StringJoin",
            "StringLength", "StringLower", "StringMapping", "StringRaggedTensorToDense",
            "StringRegexReplace", "StringRegexSplitWithOffsets", "StringSlice", "StringSplit", "StringStrip",
            "StringToHashBucket", "StringToHashBucketFast", "StringToVector", "StringUpper",
            "TrieDetokenizer", "TrieTokenizer", "VectorToString", "WordpieceTokenizer",
        ),
        _TEXT,
    ),
    **dict.fromkeys(("DecodeImage", "EncodeImage", "ImageDecoder", "ImageReader"), _IMAGE),
    **dict.fromkeys(("AzureAudioToText", "AzureTextToText", "OpenAIAudioToText"), _SERVICE),
    "AudioDecoder": "its work depends on the compressed sound, which no graph tells",
    "SegmentExtraction": "how many segments it finds depends on the data",
}  # fmt: skip
_EXTENSION_DOMAINS = ("ai.onnx.contrib", "com.microsoft.extensions")

NOT_COUNTED: Mapping[tuple[str, str], str] = MappingProxyType(
    {(DEFAULT_DOMAIN, op_type): reason for op_type, reason in _REASONS.items()}
    | {(domain, name): _TRAINING for domain in _TRAINING_DOMAINS for name in _TRAINING_OPERATORS}
    | {(MICROSOFT_DOMAIN, op_type): reason for op_type, reason in _MICROSOFT_REASONS.items()}
    | {(domain, name): reason for domain in _EXTENSION_DOMAINS for name, reason in _EXTENSION_REASONS.items()}
)
