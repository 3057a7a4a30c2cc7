"""Every code that a refusal or a skipped row can have, and what it says."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from docs.generator.markdown import code, table
from docs.generator.source import FILLED_IN, calls, name_of, said, trees
from worker.checking.check import WRONG
from worker.checking.reasons import PROBLEMS
from worker.ledger.refusing import STOPPED
from worker.runner.held_back import DUPLICATE, UNCHANGED
from worker.runner.opted_out import OPTED_OUT
from worker.sources.cells import MOMENTS

# Who takes a code, and as which of its words; the sentences come after it.
TAKES_CODE = {"refused": 0, "problem": 0, "Discord": 1, "Refusal": 1, "Reading": 1}
OF_A_FIELD = {"problem", "Discord"}
# What the reader of cells raises: code, reason, advice. The code of a moment is filled in there, out of these.
OF_CELLS, MOMENT, OF_A_CELL = "_Wrong", f"{FILLED_IN}.{FILLED_IN}", re.compile(rf"{FILLED_IN}\.({FILLED_IN}|[a-z]+)")
OF_A_ROW = re.compile(r"row\.[a-z_]+")
PLATFORMS_OWN = "The platform refused the request with this status; its own words follow, without addresses."
NEVER_SENT = "It was never sent."
STAYED_BEHIND = (
    (DUPLICATE, "It was not sent: a later row of the file is about the same."),
    (UNCHANGED, "It was not sent: it is as it was when the account last accepted it."),
)

Coded = Iterator[tuple[str, str]]


def codes() -> str:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for group in (_of_rows, _of_cells, _in_tuples, _of_fields, _in_calls, _of_errors, _of_the_unsent):
        for name, sentence in group():
            found[name][sentence] = None
    return table(
        ("code", "what it says"), ((code(name), " / ".join(filter(None, found[name]))) for name in sorted(found))
    )


def _of_rows() -> Coded:
    return ((name, " ".join(sentences)) for name, sentences in WRONG.items())


def _of_cells() -> Coded:
    """What can be wrong with one cell of CSV."""
    for call in calls("worker/sources"):
        name = next(iter(said(call.args[0])), "") if name_of(call) == OF_CELLS and call.args else ""
        sentences = [text for part in call.args[1:] for text in said(part)]
        for one in MOMENTS if name == MOMENT else [name] if OF_A_CELL.fullmatch(name) else []:
            yield f"FIELD.{one.rpartition('.')[2]}", " ".join(sentences).replace(FILLED_IN, "FIELD", 1)


def _in_tuples() -> Coded:
    """What is wrong with a whole row, where code, reason and advice stand together under a name."""
    for tree in trees("worker", "tasks"):
        for node in (one for one in ast.walk(tree) if isinstance(one, ast.Tuple) and one.elts):
            texts = [text for part in node.elts for text in said(part)]
            if len(texts) > 1 and OF_A_ROW.fullmatch(texts[0]) and texts[1].endswith("."):
                yield texts[0], " ".join(texts[1:])


def _of_fields() -> Coded:
    return (_of_field(*problem) for problem in PROBLEMS.values())


def _of_field(problem: str, reason: str, advice: str = "") -> tuple[str, str]:
    return f"FIELD.{problem}", f"FIELD {reason}. {advice}".strip()


def _of_the_unsent() -> Coded:
    yield from ((name, NEVER_SENT) for name in (*STOPPED.values(), "dropped", OPTED_OUT))
    yield from STAYED_BEHIND


def _in_calls() -> Coded:
    """Codes that stand in the source; those known only at run time are left out."""
    for call in calls("worker", "tasks"):
        place = TAKES_CODE.get(name_of(call), len(call.args))
        for name in said(call.args[place]) if len(call.args) > place else ():
            if not name.startswith(FILLED_IN):
                yield _coded(call, name, [text for part in call.args[place + 1 :] for text in said(part)])


def _coded(call: ast.Call, name: str, sentences: list[str]) -> tuple[str, str]:
    if name_of(call) in OF_A_FIELD:
        return _of_field(name, *(sentences or ["is not as the operation's page says"]))
    return name, PLATFORMS_OWN if name_of(call) == "Reading" else " ".join(sentences)


def _of_errors() -> Coded:
    """`except KeyReused as error: … refused("key_reused", str(error))`: the sentences are those of the error."""
    for tree in trees("worker", "tasks"):
        for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.type):
            kind = ast.unparse(handler.type).rpartition(".")[2]  # type: ignore[arg-type]
            for name in _codes_in(handler):
                yield from ((name, text) for text in _sentences_of(kind))


def _codes_in(handler: ast.ExceptHandler) -> Iterator[str]:
    for node in ast.walk(handler):
        if isinstance(node, ast.Call) and name_of(node) in ("refused", "Refusal"):
            yield from said(node.args[TAKES_CODE[name_of(node)]])


def _sentences_of(kind: str) -> Iterator[str]:
    for call in calls("worker", "tasks"):
        if name_of(call) == kind and call.args:
            yield from said(call.args[0])
