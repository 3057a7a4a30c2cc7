"""Processes that died on a road, one at each of its fail-points."""

from __future__ import annotations

import subprocess
import sys

from tests.lab.rig import Rig
from tests.lab.surroundings import bare
from tests.lab.waiting import TooLong

MOST_POINTS = 300


def deaths(one: Rig, road: str) -> list[str]:
    """The names of what each of them was about; of the last one nobody died."""
    words = [sys.executable, "-m", "tests.lab.dying", road, str(MOST_POINTS)]
    done = subprocess.run(words, env=bare(**one.told), stdout=subprocess.PIPE, text=True, check=False)
    names = done.stdout.split()
    if done.returncode:
        raise TooLong(f"the road {road} did not come to its end; the last walk was {names[-1:]}")
    return names
