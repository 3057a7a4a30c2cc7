"""One safe request that sends no chunk: for a page of a list, or for what became of a call whose answer was lost.

It goes past the account's door and out of its budget like any other, and the door is moved by what comes back.
"""

from __future__ import annotations

from worker import outage
from worker.errors import Busy, Down, Forbidden, Refused
from worker.ledger.types import Connection
from worker.operation import Reading
from worker.process import Process
from worker.runner import sending
from worker.runner.books import Result
from worker.runner.consignment import Consignment, Question


def ask(process: Process, question: Consignment | Question) -> Result:
    """What came back. Raises `Busy` where the budget or the platform wants a wait, and `Forbidden`, with the sentence
    how to open it, where the door is shut: nothing was asked then."""
    account = question.account.id
    process.ledger.read(lambda tx: outage.admit(tx, account, process.owner, 0.0, braked=False))
    try:
        parcel = sending.ready_in_place(process, question, process.ledger.flush)
    except Down as error:
        result: Result = error
    else:
        result = sending.send(process, question, parcel)
    process.ledger.write(lambda tx: _move_door(tx, account, result))
    return result


def _move_door(tx: Connection, account: str, result: Result) -> None:
    match result:
        case Reading() | Refused():
            outage.answered(tx, account)
        case Busy():
            outage.busy(tx, account, result.wait)
        case Forbidden():
            outage.forbid(tx, account, str(result), result.first)
        case _:
            outage.failed(tx, account, str(result))
