"""An account's door. An outage belongs to the account, not to the row (design §6).

Two Down or Unsure in a row close it for bulk and harmful calls: nothing is claimed, no try is counted, one
probe goes out after 5 s, then at growing distances, until one succeeds. Its state lies in the ledger.
"""

from __future__ import annotations

import time

from worker.errors import Busy, Forbidden
from worker.ledger import agenda, doors
from worker.ledger.claims import Claim
from worker.ledger.types import Connection

IN_A_ROW = 2
FIRST_STEP = 5.0
LONGEST_STEP = 300.0


def admit(tx: Connection, account: str, owner: str, lease: float, *, braked: bool = True) -> Claim | None:
    """May a call go now? None: yes. A claim: as the one probe that is due; whoever does not send it gives it back.

    `Busy` says when to ask again; `Forbidden` that a person has to open the door first. `braked` is false for a
    safe call: an outage doesn't stop it.
    """
    door = doors.get(tx, account)
    now = time.time()
    if door is None:
        return None
    if door.state == "forbidden":
        raise Forbidden(door.why)
    if door.busy_until > now:
        raise Busy(door.busy_until - now, "the platform asked to wait")
    if door.state == "open" or not braked:
        return None
    probe = doors.claim_probe(tx, account, owner, lease)
    if probe is None:
        raise Busy(max(0.5, door.not_before - now), door.why or "the account is closed")
    return probe


def is_open(tx: Connection, account: str) -> bool:
    """Whether anybody may go; a closed door's probe is left to somebody else."""
    door = doors.get(tx, account)
    return door is None or (door.state == "open" and door.busy_until <= time.time())


def answered(tx: Connection, account: str) -> None:
    """The platform answered as it should, be it with a refusal."""
    doors.opened(tx, account)


def failed(tx: Connection, account: str, why: str) -> float | None:
    """One more Down or Unsure: the seconds until the next probe when the door is closed now, else None."""
    door = doors.ensure(tx, account)
    if door.state == "forbidden":
        return LONGEST_STEP
    if door.state == "closed":
        return max(0.5, float(door.not_before) - time.time())
    if door.state == "open" and door.in_a_row + 1 < IN_A_ROW:
        doors.put(tx, account, in_a_row=door.in_a_row + 1)
        return None
    step = min(max(float(door.step) * 2, FIRST_STEP), LONGEST_STEP)
    doors.put(
        tx,
        account,
        state="closed",
        in_a_row=door.in_a_row + 1,
        step=step,
        why=f"the account is closed after failures ({why}); probes go on by themselves",
        not_before=time.time() + step,
        lease_until=None,
        owner=None,
    )
    return step


def busy(tx: Connection, account: str, wait: float) -> None:
    """The platform said 429: nobody of the account asks before `wait` seconds are over."""
    door = doors.ensure(tx, account)
    state = {"state": "open", "in_a_row": 0, "step": 0.0} if door.state == "probing" else {}
    doors.put(tx, account, busy_until=max(door.busy_until, time.time() + wait), **state)


def forbid(tx: Connection, account: str, why: str, first: str = "") -> None:
    """Its keys or its balance were not accepted, or a person said so: only a person opens this door again.

    `first` is what that person has to do before.
    """
    doors.ensure(tx, account)
    sentence = f"{why}. {f'{first}, then' if first else 'Go on with'} `omniworker accounts resume {account}`."
    doors.put(tx, account, state="forbidden", why=sentence, lease_until=None, owner=None)


def resume(tx: Connection, account: str) -> None:
    """A person opens the door: what waited for that is due at once."""
    doors.ensure(tx, account)
    doors.put(tx, account, state="open", in_a_row=0, step=0.0, busy_until=0.0, why=None, not_before=0.0)
    agenda.bring_forward(tx, account)
