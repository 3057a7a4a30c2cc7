"""One request of a platform, from its head to its answer or to what a fault makes of it."""

from __future__ import annotations

from sandbox import mischief
from sandbox.answer import Answer, Refusal
from sandbox.faults import Fault
from sandbox.line import Line
from sandbox.request import Head, Request
from sandbox.stage import Stage

MOST_BYTES = 1 << 20


class Exchange:
    """`open` says whether the connection goes on after it."""

    def __init__(self, stage: Stage, line: Line, head: Head) -> None:
        self.line = line
        self.open = not head.last
        self._stage, self._head, self._body, self._ended = stage, head, b"", False
        self._role = stage.role_of(head.path)
        stage.log.came(head.path)

    def run(self) -> bool:
        """Whether another request may follow on this connection."""
        fault = self._stage.faults.meet(self._head.method, self._head.path)
        try:
            self._answer(fault)
        except OSError:
            self.end("gone")
            return False
        return self.open

    def take(self) -> Answer:
        """Let the platform take the request; what it takes is counted before anything is answered."""
        try:
            if not self._role:
                raise Refusal(404, "No platform that is played here has this path.")
            reply = self._role.handle(Request(self._head, self._body))
        except Refusal as refusal:
            return refusal.answer
        self._stage.tally.take(reply.taken)
        return reply.answer

    def send(self, answer: Answer) -> None:
        self.line.pause(self._stage.latency / 2 + self._stage.arrivals.journey())
        self.end(str(answer.status))
        self.line.write(answer.encode(close=not self.open, bare=self._head.method == "HEAD"))

    def end(self, how: str) -> None:
        """Note, once, how it ended; before the answer leaves, so that who has it finds it counted."""
        if not self._ended:
            self._stage.log.ended(self._head.path, how)
        self._ended = True

    def _answer(self, fault: Fault | None) -> None:
        if fault and fault.fault == "reset":
            return self._reset()
        try:
            self._body = self.line.read_body(self._head, self._role.most_bytes if self._role else MOST_BYTES)
        except Refusal as refusal:
            self.open = False
            return self.send(refusal.answer)
        # Half of the latency lies before the request is taken and half after: a caller killed in between meets both.
        self.line.pause(self._stage.latency / 2 + self._stage.arrivals.journey())
        if self._role:
            self._stage.arrivals.came(self._role.title)
        return mischief.play(self, fault) if fault else self.send(self.take())

    def _reset(self) -> None:
        self.open = False
        self.line.reset()
        self.end("reset")
