"""How much a request of a job carries: whoever cuts rows asks here, be it for a file, a dry run, or given rows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from worker.operation import Limits, Operation
from worker.sources.cut import cut
from worker.sources.source import Source


def limits_of(operation: Operation, options: Mapping[str, Any], source: Source) -> Limits:
    """By the operation, by what its job says, and by how many rows the file has, as far as that matters."""
    rows = operation.rows
    if rows is None or rows.cut is None:
        return operation.limits
    return replace(operation.limits, rows=rows.cut(operation.limits.rows, options, _is_short(source, rows.few)))


def _is_short(source: Source, few: int) -> bool:
    """Whether it has at most so many rows; no more of them are read."""
    singly = cut(source, Limits(rows=1))
    return sum(1 for _ in itertools.islice((one for one in singly if one.rows), few + 1)) <= few
