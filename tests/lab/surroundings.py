"""What a child process is told: nothing that the person who runs the experiment has set for omniworker."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = (
    *("OMNI", "DEVINO_", "CELERY_", "REDIS_URL", "DATABASE_URL", "SECRET_KEY", "WORKER_", "FLOWER_", "INBOX", "LOG_"),
    *("SCHEDULES_", "NIGHTLY_", "FREQUENT_", "ALARM_", "RETENTION_", "STORAGE_", "ACCOUNTS_FILE"),
)


def bare(*ahead: Path, **told: str) -> dict[str, str]:
    """The environment without our variables, with `told`; modules in the folders `ahead` come before ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    path = os.pathsep.join([*map(str, ahead), str(ROOT)])
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **told}
