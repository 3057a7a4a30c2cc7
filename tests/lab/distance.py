"""Workers at their post, and a platform that is some way off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.experiment import Order
from tests.lab.platform import Platform
from tests.lab.rig import Rig, rig

DISTANCE = 0.05
ROWS_A_CALL = 500


@contextmanager
def at_a_distance(order: Order, folder: Path, **told: str) -> Iterator[tuple[Rig, Platform]]:
    """Requests and answers are each 0 to 50 ms on their way. `told` goes to the workers' environment."""
    platform = Platform(0.0)
    platform.distance(DISTANCE)
    try:
        with rig(folder / "run", platform.environ, **order.ledger, **told) as one:
            one.workers.start()
            one.workers.ready()
            yield one, platform
    finally:
        platform.stop()
