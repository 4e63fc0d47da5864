"""Build the wheel, install it into a clean environment, and use all of it from an empty folder.

    python -m tools.try_wheel

Prints the size of the wheel and each command; ends with 1 at the first that goes wrong.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
MOST_BYTES = 5_000_000
MODEL = "examples/sd_text_encoder.onnx"
SMALL = "mobilenet_v2.onnx"
REPORTS = [f"--out={form}=report.{form}" for form in ("json", "md", "sarif", "junit", "github")]
PYTHON = """
import feasibility as fe
cost = fe.profile("examples/sd_text_encoder.onnx")
found = fe.sweep(cost, rtt="10ms..500ms", device=["m1", "pixel-6a"], points=5)
assert len(found.points) == 10, found
assert fe.plots.render(fe.plots.roofline(cost, "m1"), "svg").startswith(b"<?xml")
assert fe.gate().passed
"""

# Each command in its turn, with the exit code that it must have.
COMMANDS: Sequence[tuple[int, Sequence[str]]] = (
    (0, ["--version"]),
    (0, [MODEL, "--device", "m1", "--rtt", "150ms", "--quiet", "--require", "client"]),
    (1, [MODEL, "--device", "m1", "--rtt", "150ms", "--quiet", "--require", "server"]),
    (2, ["missing.onnx"]),
    (0, [MODEL, SMALL, "--format", "markdown"]),
    (0, ["profile", MODEL, "--by", "module"]),
    (0, ["diff", SMALL, MODEL]),
    (0, ["limits", "--device", "pixel-6a", "--deadline", "30ms"]),
    (0, ["chain", "examples/stable_diffusion/chain.yaml", "--device", "m1"]),
    (0, ["devices", "--search", "iphone"]),
    (0, ["networks", "show", "4g"]),
    *(
        (0, ["schema", name])
        for name in ("verdict", "profile", "vary", "diff", "chain", "limits", "accuracy", "gate")
    ),
    *(
        (0, ["plot", kind, MODEL, "--device", "m1", "-o", f"{kind}.svg"])
        for kind in ("roofline", "race", "crossover", "modules", "memory")
    ),
    (0, ["plot", "history", "-o", "history.png"]),
    (0, ["init", SMALL, "--device", "m1"]),
    (0, ["gate", *REPORTS]),
    (1, ["gate", "--config", "heavy.yaml", "--quiet"]),
)


def main() -> None:
    """Build, install, use."""
    shutil.rmtree(DIST, ignore_errors=True)
    run([sys.executable, "-m", "build", "--wheel", "--outdir", str(DIST), str(ROOT)], ROOT)
    (wheel,) = DIST.glob("*.whl")
    size = wheel.stat().st_size
    print(f"{wheel.name}: {size:,} bytes")
    if size > MOST_BYTES:
        sys.exit(f"the wheel is larger than {MOST_BYTES:,} bytes")
    python = installed(wheel)
    with TemporaryDirectory() as made:
        folder = Path(made) / "user"  # outside of this repository, as a user's is
        prepare(folder)
        for code, words in COMMANDS:
            print("feasible", *words, flush=True)
            run([str(python.parent / "feasible"), *words], folder, code)
        run([str(python), "-c", PYTHON], folder)


def installed(wheel: Path) -> Path:
    """Return the Python of a clean environment with the wheel."""
    venv.create(DIST / "venv", with_pip=True, clear=True)
    python = DIST / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)], ROOT)
    return python


def prepare(folder: Path) -> None:
    """Make the folder of a user: two models, and a config that one of them does not hold."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copy(ROOT / "tests" / "corpus" / SMALL, folder)
    heavy = f"models:\n  - path: {MODEL}\n    budget: {{download: 25MB}}\nlock: off\n"
    (folder / "heavy.yaml").write_text(heavy, encoding="utf-8")


def run(words: Sequence[str], folder: Path, code: int = 0) -> None:
    """Run a command that must end with this exit code; show what it said where it does not."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != code:
        sys.exit(f"exit code {done.returncode}, not {code}: {' '.join(words)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
