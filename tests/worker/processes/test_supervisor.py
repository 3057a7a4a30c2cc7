"""Children kept running, stopped in order, and never left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worker.driven import ROOT, eventually
from worker.processes import leftovers
from worker.processes.child import Child
from worker.processes.supervisor import Supervisor

PATHS = {"PYTHONPATH": str(ROOT)}
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
while True:
    signal.pause()
"""
WAITS = "import signal; signal.pause()"
NOTES_ITS_END = """
import signal, sys, time
from pathlib import Path
from worker.processes.parent import tell_ready

def end(*_):
    with Path(sys.argv[1]).open("a") as file:
        file.write(sys.argv[2] + "\\n")
    sys.exit()

signal.signal(signal.SIGTERM, end)
tell_ready()
while True:
    signal.pause()
"""
ORPHANS = """
import sys
from pathlib import Path
from worker.processes.child import Child
from worker.processes.supervisor import Supervisor

CHILD = '''
import signal
from worker.processes.parent import end_with_parent, tell_ready
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_with_parent(0.2)
tell_ready()
while True:
    signal.pause()
'''
with Supervisor() as house:
    for name in ("one", "two"):
        house.start(Child(name, (sys.executable, "-c", CHILD)))
    house.until(lambda: house.ready == {"one", "two"})
    print(*house.pids().values(), flush=True)
    house.keep_running()
"""


def python(name: str, code: str, *argv: str, last: bool = False) -> Child:
    return Child(name, (sys.executable, "-c", code, *argv), PATHS, last)


def within(seconds: float, done: Callable[[], bool]) -> Callable[[], bool]:
    """`done`, or a failure when it takes too long."""
    deadline = time.monotonic() + seconds

    def look() -> bool:
        assert time.monotonic() < deadline, "it took too long"
        return done()

    return look


def test_what_dies_is_started_again_later_each_time(capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor() as house:
        house.start(python("worker.1", "import sys; print('no keys'); sys.exit(3)"))
        house.until(within(30, lambda: house.falls["worker.1"] == 2))
    said = capfd.readouterr().err
    assert said.count("worker.1 | no keys\n") == 2
    assert "worker.1 ended (exit status 3); next start in 0.5 s\n" in said
    assert "worker.1 ended (exit status 3); next start in 1 s\n" in said


def test_a_killed_child_comes_back_and_the_signal_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor() as house:
        house.start(python("beat", WAITS))
        first = house.pids()["beat"]
        os.kill(first, signal.SIGKILL)
        house.until(within(30, lambda: house.pids().get("beat", first) != first))
    assert "beat was ended by SIGKILL" in capfd.readouterr().err


def test_a_program_that_is_not_there_is_said_and_tried_again(capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor() as house:
        house.start(Child("redis", ("/nowhere/redis-server",)))
        house.until(within(30, lambda: house.falls["redis"] == 2))
    assert "redis can't be started" in capfd.readouterr().err


def test_all_are_told_to_stop_first_and_redis_last(tmp_path: Path) -> None:
    ends = tmp_path / "ends"
    names = {"redis", "worker.1", "beat"}
    with Supervisor() as house:
        for name in ("redis", "worker.1", "beat"):
            house.start(python(name, NOTES_ITS_END, str(ends), name, last=name == "redis"))
        assert house.until(within(30, lambda: house.ready == names))
    order = ends.read_text().split()
    assert set(order) == names
    assert order[-1] == "redis"


def test_a_child_that_does_not_stop_is_killed_with_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor(grace=0.3) as house:
        house.start(python("worker.1", STUBBORN))
        pid = house.pids()["worker.1"]
        house.until(within(30, lambda: "here" in capfd.readouterr().err))
    assert leftovers.since(pid) is None
    assert "worker.1 did not stop within 0.3 s and is killed" in capfd.readouterr().err


def test_what_a_killed_child_started_goes_with_it(tmp_path: Path) -> None:
    written = tmp_path / "pid"
    starts_one = f"""
import subprocess, sys, signal
from pathlib import Path
child = subprocess.Popen([sys.executable, "-c", {WAITS!r}])
Path(sys.argv[1] + ".new").write_text(str(child.pid))
Path(sys.argv[1] + ".new").rename(sys.argv[1])
signal.pause()
"""
    with Supervisor() as house:
        house.start(python("worker.1", starts_one, str(written)))
        house.until(within(30, written.exists))
        grandchild = int(written.read_text())
        os.kill(house.pids()["worker.1"], signal.SIGKILL)
        house.until(within(30, lambda: house.falls["worker.1"] == 1))
        assert eventually(lambda: leftovers.since(grandchild) is None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_watch(number: signal.Signals) -> None:
    with Supervisor() as house:
        house.start(python("beat", WAITS))
        os.kill(os.getpid(), number)
        assert house.until(within(30, lambda: False)) is False
    assert house.pids() == {}


def test_children_end_when_their_parent_is_killed_even_stubborn_ones() -> None:
    command = [sys.executable, "-c", ORPHANS]
    with subprocess.Popen(command, env={**os.environ, **PATHS}, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
        assert eventually(lambda: all(leftovers.since(pid) is None for pid in pids))


def test_a_line_without_an_end_is_shown_all_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    with Supervisor() as house:
        house.start(python("flower", "print('x' * 200_000, end='')"))
        house.until(within(30, lambda: house.falls["flower"] == 1))
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("flower | ")]
    assert sum(len(line) - len("flower | ") for line in lines) == 200_000


def test_leftovers_are_ended_by_process_and_start_time(tmp_path: Path) -> None:
    left = subprocess.Popen([sys.executable, "-c", WAITS], start_new_session=True)
    leftovers.write(tmp_path / "pids", {"worker.1": left.pid})
    leftovers.end(leftovers.read(tmp_path / "pids"))
    assert left.wait(timeout=60) == -signal.SIGTERM


def test_a_stubborn_leftover_is_killed(tmp_path: Path) -> None:
    left = subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True, stdout=subprocess.PIPE)
    assert left.stdout
    left.stdout.readline()
    leftovers.write(tmp_path / "pids", {"worker.1": left.pid})
    leftovers.end(leftovers.read(tmp_path / "pids"), seconds=0.2)
    assert left.wait(timeout=60) == -signal.SIGKILL
    left.stdout.close()


def test_a_process_that_only_has_the_same_number_is_not_touched(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", WAITS], start_new_session=True)
    try:
        (tmp_path / "pids").write_text(f"worker.1 {stranger.pid} 12\n")
        leftovers.end(leftovers.read(tmp_path / "pids"))
        assert leftovers.since(stranger.pid)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("proc", ["/proc", "/nowhere"])
def test_a_start_time_is_known_with_and_without_proc(proc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PROC", Path(proc))
    child = subprocess.Popen([sys.executable, "-c", WAITS])
    known = leftovers.since(child.pid)
    assert known
    assert leftovers.since(child.pid) == known
    child.kill()
    assert eventually(lambda: leftovers.since(child.pid) is None), "a process nobody reaped yet is gone all the same"
    child.wait()
