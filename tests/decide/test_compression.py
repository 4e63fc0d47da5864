"""How far weights shrink on their way to users."""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path

import pytest

from feasibility.decide import decide
from feasibility.decide.compression import METHODS, Compression, _sample, compression
from feasibility.decide.scenario import Choices, build
from feasibility.errors import UsageError
from feasibility.units import Bytes
from tests.timing_parts import model, scenario, work

FLOATS = 1_000_000
NOISE = random.Random(0)  # noqa: S311 (the same bytes at each run)


@pytest.mark.parametrize("method", METHODS)
def test_trained_weights_hardly_shrink(method: str) -> None:
    """Of six trained models the compressed share lay between 0.79 and 0.95 at any width."""
    packed = compression(method, None)

    assert all(0.79 <= packed.share(width) <= 0.95 for width in ("fp32", "fp16", "int8"))
    assert packed.share("fp32") == packed.share("fp64")
    assert 1.0 == packed.share("int4")  # nobody measured it


def test_a_download_is_as_much_smaller() -> None:
    """A million floats are 4 MB, and half of that with a share of 0.5; limits are of what is fetched."""
    cost = model(work(1000), parameters=FLOATS, parameter_bytes=4 * FLOATS, download_bytes=4 * FLOATS)
    packed = Compression(method="zstd", measured=0.5)
    decision = decide(scenario(cost, compression=packed, max_download=Bytes(3e6)))
    check = next(each for each in decision.checks if each.name == "download")

    assert (True, 2_000_000) == (check.passed, check.actual)
    assert "2 MB (zstd, measured, of 4 MB) take" in check.message


def test_a_sample_of_noise_does_not_shrink_and_one_of_zeros_vanishes(tmp_path: Path) -> None:
    """Random bytes keep all of their size, zeros less than a hundredth."""
    noise, zeros = tmp_path / "noise.bin", tmp_path / "zeros.bin"
    noise.write_bytes(NOISE.randbytes(3 * 2**20))
    zeros.write_bytes(bytes(3 * 2**20))

    assert 0.999 < (compression("gzip", str(noise)).measured or 0) <= 1
    assert 0 < (compression("gzip", str(zeros)).measured or 1) < 0.01


def test_a_sample_is_no_more_than_sixteen_blocks() -> None:
    """Of 40 MiB, 16 of 1 MiB each, whatever the size of the file."""
    assert [2**20] * 16 == [len(block) for block in _sample(io.BytesIO(bytes(40 * 2**20)))]


def test_a_sample_sees_the_whole_file(tmp_path: Path) -> None:
    """Half noise, half zeros: half of the size is left, whichever comes first."""
    mixed = tmp_path / "mixed.bin"
    mixed.write_bytes(NOISE.randbytes(20 * 2**20) + bytes(20 * 2**20))

    assert 0.5 == pytest.approx(compression("gzip", str(mixed)).measured, abs=0.02)


@pytest.mark.parametrize(
    ("method", "content", "said"),
    [
        ("rar", None, "is not a compression that browsers know"),
        ("gzip", b"", "are empty"),
    ],
)
def test_what_cannot_be_compressed_is_refused(
    tmp_path: Path, method: str, content: bytes | None, said: str
) -> None:
    """Another method, an empty file, a missing one."""
    file = tmp_path / "w.bin"
    file.write_bytes(content or b"")

    with pytest.raises(UsageError, match=said):
        compression(method, str(file))
    with pytest.raises(UsageError, match="cannot be read"):
        compression("gzip", str(tmp_path / "nothing.bin"))


def test_a_compressor_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint says what to install."""
    file = tmp_path / "w.bin"
    file.write_bytes(b"weights")
    monkeypatch.setitem(sys.modules, "zstandard", None)

    with pytest.raises(UsageError, match="needs the package zstandard") as caught:
        compression("zstd", str(file))
    assert "feasible[compress]" in str(caught.value.hint)


def test_a_sample_without_a_compressor_is_refused() -> None:
    """Weights alone say nothing."""
    with pytest.raises(UsageError, match="none is given"):
        build(model(work(10)), Choices(weights="w.bin", default_client="m1", origin="a test"))
