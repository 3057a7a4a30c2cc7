"""Files of CSV, plain and gzip, that grow a hundredfold: a worker's memory must not."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

HEAD = "email,date,identifier,order_id,note\n"
LINE = "customer%08d@shop.example.com,2026-11-20 10:00:00Z,product.order,%d,%s\n"
NOTE = ("seventeen words that stand for whatever somebody once typed into an order form and more ") * 10
AT_ONCE = 10_000
PLACES = 8


def write_csv(path: Path, size: int) -> int:
    """About `size` bytes; the number of rows, each about 950 bytes long and unlike all others."""
    rows = size // (len(LINE % (0, 0, NOTE)) + PLACES // 2)
    with path.open("w") as file:
        file.write(HEAD)
        for start in range(0, rows, AT_ONCE):
            file.writelines(LINE % (n, n, NOTE) for n in range(start, min(start + AT_ONCE, rows)))
    return rows


def packed(path: Path) -> Path:
    """The same as gzip, beside it."""
    target = path.with_name(f"{path.name}.gz")
    with path.open("rb") as plain, gzip.open(target, "wb", compresslevel=1) as file:
        shutil.copyfileobj(plain, file, 1 << 20)
    return target
