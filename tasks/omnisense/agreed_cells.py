"""What the columns of a file of subscribers say of who may be written to (consent, design §8)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tasks.omnisense.subscribers import FLAGS, LEFT_OUT
from worker.facts.rows import Brief
from worker.people.consent import Addressed, Way

NO = ("", "false", "0", "no", "n", "off")
Cells = Sequence[str]


def agreed(brief: Brief) -> Addressed | None:
    """Which rows say yes; None where no column could. Whoever opted out has the cell left empty, which says nothing."""
    at = {name: place for place, name in enumerate(brief.columns)}
    said = [(at[flag], at[one], ways) for flag, (one, ways) in FLAGS.items() if flag in at and one in at]

    def ways(cells: Cells) -> list[Way]:
        yes = [(cells[one], channels) for flag, one, channels in said if cells[flag].strip().lower() not in NO]
        return [Way(address, channels) for address, channels in yes if address]

    def without(cells: Cells, addresses: Collection[str]) -> list[str]:
        off = {flag for flag, one, _ in said if cells[one] in addresses}
        return ["" if place in off else cell for place, cell in enumerate(cells)]

    return Addressed(ways, without, LEFT_OUT) if said else None
