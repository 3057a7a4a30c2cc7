"""One safe request that sends no chunk: for a page of a list, or for what became of a call whose answer was lost.

It goes past the account's door and out of its budget like any other, and the door is moved by what comes back.
"""

from __future__ import annotations

from functools import partial

from worker import outage
from worker.errors import Busy, Down, Forbidden, Refused
from worker.ledger.types import Connection
from worker.linking import links
from worker.linking.links import access_of
from worker.operation import Operation, Reading, Repeat
from worker.platforms import Account
from worker.processes.process import Process
from worker.runner import sending
from worker.runner.books import Result
from worker.runner.consignment import Consignment, Question
from worker.runner.wires import wire_of


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
    process.ledger.write(lambda tx: _move_door(process, tx, question, result))
    return result


def knock(process: Process, operation: Operation, account: Account) -> Result:
    """Whether the platform takes the keys of this account: a safe read with the operation's example, whatever the
    account's door says, which it doesn't move. Raises `Busy` where there is no budget for it now."""
    wire = wire_of(process, operation, account, operation.example, None)
    access = access_of(process, operation, account)
    pack = partial(process.client.pack, operation, account.platform, access, wire)
    question = Question(operation, account, access, Repeat.SAFE, pack)
    try:
        parcel = sending.ready_in_place(process, question, process.ledger.flush)
    except Down as error:
        return error
    return sending.send(process, question, parcel)


def _move_door(process: Process, tx: Connection, question: Consignment | Question, result: Result) -> None:
    account = question.account.id
    match result:
        case Reading() | Refused():
            outage.answered(tx, account)
        case Busy():
            outage.busy(tx, account, result.wait)
        case Forbidden() if result.link:
            links.broke(process, tx, question.account, question.access, result)
        case Forbidden():
            outage.forbid(tx, account, str(result), result.first)
        case _:
            outage.failed(tx, account, str(result))
