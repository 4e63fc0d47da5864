"""Profile every ONNX file below some folders and say what was not counted.

    python tools/coverage.py FOLDER...

One line per file with a gap, then the sums: files, nodes, counted, folded, unknown, and
tensors whose shape stayed unknown. Exit code 1 when anything is left uncounted.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import feasibility as fe
from feasibility.errors import FeasibilityError


def survey(path: Path) -> Counter[str]:
    """Return the counts of one file; a file that cannot be read counts as refused."""
    try:
        cost = fe.profile(path)
    except FeasibilityError as error:
        print(f"{path}: {error.message}")
        return Counter(files=1, refused=1)
    for gap in cost.coverage.unknown:
        print(f"{path}: {gap.name!r} ({gap.domain}::{gap.op_type}): {gap.reason}")
    outputs = (spec for found in cost.nodes for spec in found.node.outputs if spec is not None)
    return Counter(
        files=1,
        nodes=cost.coverage.nodes,
        counted=cost.coverage.counted,
        folded=cost.coverage.folded,
        unknown=len(cost.coverage.unknown),
        unresolved=sum(spec.shape is None for spec in outputs),
    )


def main() -> None:
    """Survey all files and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    paths = sorted(p for folder in parser.parse_args().folders for p in folder.rglob("*.onnx"))
    total = sum((survey(path) for path in paths), Counter[str]())
    names = ("files", "refused", "nodes", "counted", "folded", "unknown", "unresolved")
    print(", ".join(f"{total[name]} {name}" for name in names))
    sys.exit(1 if total["unknown"] or total["unresolved"] or total["refused"] else 0)


if __name__ == "__main__":
    main()
