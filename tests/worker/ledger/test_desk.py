"""Commits shared by threads: everything is done once, in order, and one failure harms nobody else."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from worker.ledger.desk import Desk


class Book:
    """Stands for a database: what was written inside a transaction that ended well, and how many there were."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.open: list[str] = []
        self.commits = 0
        self.gate = threading.Event()
        self.gate.set()

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        self.open = []
        self.gate.wait(60)
        yield cast(Connection, self)
        self.lines += self.open
        self.commits += 1


def line(text: str) -> Any:
    return lambda book: book.open.append(text) or text


def test_write_comes_back_with_the_result_when_it_is_committed() -> None:
    book = Book()
    assert Desk(book.begin).write(line("a")) == "a"
    assert book.lines == ["a"]


def test_later_goes_with_the_next_write_and_before_it() -> None:
    book = Book()
    desk = Desk(book.begin)
    desk.later(line("answered"))
    assert book.lines == []
    desk.write(line("marked"))
    assert (book.lines, book.commits) == (["answered", "marked"], 1)


def test_what_others_had_better_know_goes_before_them() -> None:
    book = Book()
    desk = Desk(book.begin)
    desk.later(line("marked"))
    desk.write(line("failed"), first=True)
    assert book.lines == ["failed", "marked"]


def test_those_who_wait_meanwhile_share_one_commit() -> None:
    book = Book()
    desk = Desk(book.begin)
    book.gate.clear()
    threads = [threading.Thread(target=desk.write, args=(line(str(n)),)) for n in range(20)]
    for thread in threads:
        thread.start()
    while len(desk._queue) < 19:
        threading.Event().wait(0.001)
    book.gate.set()
    for thread in threads:
        thread.join(60)
    assert sorted(book.lines) == sorted(map(str, range(20)))
    assert book.commits <= 3


def test_one_that_fails_is_told_and_the_others_are_done() -> None:
    book = Book()
    desk = Desk(book.begin)
    desk.later(line("good"))

    def bad(_book: Any) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        desk.write(bad)
    assert book.lines == ["good"]
    assert desk.write(line("after")) == "after"


def test_many_threads_for_long_lose_nothing() -> None:
    book = Book()
    desk = Desk(book.begin)

    def busy(name: str) -> None:
        for n in range(200):
            desk.write(line(f"{name}.{n}"))

    threads = [threading.Thread(target=busy, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(book.lines) == len(set(book.lines)) == 1600


def test_an_answer_that_could_not_be_written_goes_with_a_later_commit() -> None:
    book = Book()
    desk = Desk(book.begin)
    failures = [OSError("disk full"), OSError("disk full")]

    def hiccup(found: Any) -> None:
        if failures:
            raise failures.pop()
        found.open.append("answered")

    desk.later(hiccup)
    for n in range(4):
        desk.write(line(str(n)))
    assert sorted(book.lines) == ["0", "1", "2", "3", "answered"]


def test_whatever_is_raised_in_one_piece_the_next_can_write() -> None:
    book = Book()
    desk = Desk(book.begin)

    def leaves(_book: Any) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        desk.write(leaves)
    assert desk.write(line("after")) == "after"


def joint(pieces: Any) -> Any:
    """What many write alike: read before their transaction, written with one call."""
    texts = [piece.upper() for piece in pieces]

    def work(book: Any) -> list[str]:
        book.open.append(",".join(texts))
        return [f"<{text}>" for text in texts]

    return work


def test_pieces_that_are_alike_are_done_together_and_each_has_its_own_result() -> None:
    book = Book()
    desk = Desk(book.begin)
    book.gate.clear()
    results: dict[str, Any] = {}
    names = [chr(ord("a") + n) for n in range(12)]

    def bring(name: str) -> None:
        results[name] = desk.join(joint, name) if name != "c" else desk.write(line("between"))

    threads = [threading.Thread(target=bring, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    while len(desk._queue) < 11:
        threading.Event().wait(0.001)
    book.gate.set()
    for thread in threads:
        thread.join(5)
    assert results == {name: "between" if name == "c" else f"<{name.upper()}>" for name in names}
    assert book.commits == 2 and len(book.lines) <= 4
    done = [text for text in ",".join(book.lines).split(",") if text != "between"]
    assert sorted(done) == sorted(name.upper() for name in names if name != "c")


def test_a_piece_that_cannot_be_read_costs_none_of_its_neighbours() -> None:
    book = Book()
    desk = Desk(book.begin)
    book.gate.clear()
    results: dict[int, Any] = {}

    def bring(n: int) -> None:
        try:
            results[n] = desk.join(joint, None if n == 3 else str(n))
        except AttributeError as error:
            results[n] = error

    threads = [threading.Thread(target=bring, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    book.gate.set()
    for thread in threads:
        thread.join(5)
    assert isinstance(results.pop(3), AttributeError)
    assert results == {n: f"<{n}>" for n in (0, 1, 2, 4, 5)}
    assert sorted(",".join(book.lines).split(",")) == ["0", "1", "2", "4", "5"]
