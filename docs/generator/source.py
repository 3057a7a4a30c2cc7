"""Reads texts from the source of the house without running it. What is filled in at run time is shown as `…`."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILLED_IN = "…"


def calls(*folders: str) -> Iterator[ast.Call]:
    for tree in trees(*folders):
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def trees(*folders: str) -> Iterator[ast.Module]:
    for folder in folders:
        yield from map(_tree, sorted((ROOT / folder).rglob("*.py")))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(call: ast.Call) -> str:
    """`pause` of `jobs.pause(…)`."""
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def said(node: ast.expr) -> list[str]:
    """The texts that an expression can become, as far as they stand there."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(str(part.value) if isinstance(part, ast.Constant) else FILLED_IN for part in parts)]
        case ast.BoolOp(values=choices):
            return [text for choice in choices for text in said(choice)]
        case ast.IfExp():
            return [*said(node.body), *said(node.orelse)]
        case _:
            return []


def texts(tree: ast.Module) -> Iterator[str]:
    """Every text of a module but its documentation and the pieces of a longer one."""
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in pieces | documents:
            yield from said(node) if isinstance(node, ast.JoinedStr | ast.Constant) else ()
