"""Hold the public names to their promise: they resolve, are documented, and load late."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import feasibility as fe

ROOT = Path(__file__).parent.parent
MODEL = str(ROOT / "examples" / "sd_text_encoder.onnx")
_LIBRARIES = {"onnx", "numpy", "google", "yaml", "pydantic", "rich", "matplotlib", "typer"}
_MAIN = "from feasibility.cli.start import main; main({words!r})"
_DUMP = "import sys; sys.stderr.write('\\n' + ' '.join(sorted(sys.modules)))"


def loaded(code: str) -> set[str]:
    """Return the third-party libraries that a fresh interpreter holds after running code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_DUMP}"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    modules = done.stderr.splitlines()[-1].split()
    return {module.split(".")[0] for module in modules} & _LIBRARIES


@pytest.mark.parametrize("name", fe.__all__)
def test_a_public_name_resolves_and_is_documented(name: str) -> None:
    """Each name of `__all__` leads to something with a docstring."""
    assert getattr(fe, name).__doc__


def test_every_name_that_loads_late_is_public() -> None:
    """The names that load on first use are those of `__all__`."""
    assert sorted(fe._ROOM_OF) == sorted(fe.__all__)
    assert dir(fe) == sorted(fe.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that is not public raises what Python raises for any module."""
    with pytest.raises(AttributeError, match="no attribute 'decode'"):
        _ = fe.decode  # type: ignore[attr-defined]  # and a type checker says so too


def test_decide_stays_the_verb_after_its_room_is_imported() -> None:
    """`feasibility.decide` is the function, although a room has the same name."""
    code = (
        "import feasibility.decide.records\nimport feasibility as fe\nassert fe.decide.__name__ == 'decide'"
    )
    assert "onnx" not in loaded(code)


def test_importing_the_package_loads_no_library() -> None:
    """`import feasibility` holds nothing but the standard library."""
    assert loaded("import feasibility") == set()


def test_help_loads_typer_only() -> None:
    """`feasible --help` pays neither for onnx nor for rich, pydantic, yaml or matplotlib."""
    assert loaded(_MAIN.format(words=["--help"])) == {"typer"}


def test_profile_loads_typer_only() -> None:
    """`feasible profile` leaves onnx to its child, and needs no profile, view or figure library."""
    assert loaded(_MAIN.format(words=["profile", MODEL])) == {"typer"}


def test_check_leaves_onnx_to_the_child() -> None:
    """The verdict loads profiles, and neither onnx nor rich in the command's own process."""
    assert loaded(_MAIN.format(words=[MODEL, "--device", "m1"])) == {"typer", "pydantic", "yaml"}


def test_decide_on_a_cost_needs_no_onnx() -> None:
    """Deciding on counted work loads no onnx: only reading a file does."""
    code = "import feasibility as fe\nfe.decide\nfe.device('m1'), fe.network('essay'), fe.runtime('metal')"
    assert loaded(code) == {"pydantic", "yaml"}
