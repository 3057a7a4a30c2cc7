"""The pages of docs/: those that are made from the code say all of it and are not stale; the others name what is."""

from __future__ import annotations

import ast
import functools
import importlib
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.generator.__main__ import main
from docs.generator.codes import codes
from docs.generator.pages import IN_PAGES, ROOT, WHOLE, pages, stale, write
from docs.generator.source import name_of, texts, trees
from docs.generator.whys import whys
from worker.accounts import settings_of
from worker.checking.check import WRONG
from worker.cli import main as command
from worker.orders.words import CALL_WORDS, FILE_OPTIONS, FILE_WORDS
from worker.platforms import operations, platforms
from worker.settings import SETTINGS
from worker.sources.cells import MOMENTS

SETTING_NAMES = [
    one.name for one in (*SETTINGS, *(s for platform in platforms().values() for s in settings_of(platform)))
]
BY_HAND = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md")})
EXPLAINED = re.compile(r"^## What each `why` means$(.*?)^## ", re.DOTALL | re.MULTILINE)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with all pages, to be spoilt."""
    for name in (*WHOLE, *IN_PAGES):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@functools.cache
def fresh() -> dict[str, str]:
    return dict(pages())


def page(name: str) -> str:
    return fresh()[name]


def test_no_page_is_stale() -> None:
    assert stale() == [], "run `make docs`"


@pytest.mark.parametrize("name", [*WHOLE, *IN_PAGES])
def test_a_stale_page_is_named_with_the_command_that_mends_it(
    name: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (copy / name).read_text()
    (copy / name).write_text(
        text.replace("<!-- end -->", "an older line\n<!-- end -->", 1) if name in IN_PAGES else "x"
    )
    assert main(["--check"], copy) == 1
    assert capsys.readouterr().err.startswith(f"{name} is stale: ")
    assert main([], copy) == 0
    assert main(["--check"], copy) == 0
    assert (copy / name).read_text() == text


def test_a_page_that_is_missing_is_stale_and_written(copy: Path) -> None:
    (copy / "docs/settings.md").unlink()
    assert stale(copy) == ["docs/settings.md"]
    assert write(copy) == ["docs/settings.md"]


def test_a_page_that_lost_a_derived_stretch_is_a_sentence(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copy / "docs/tasks.md"
    path.write_text(path.read_text().replace("<!-- derived: queues -->", ""))
    assert main([], copy) == 1
    assert "docs/tasks.md has the derived stretches call words" in capsys.readouterr().err


def test_what_is_written_by_hand_around_a_derived_stretch_stays(copy: Path) -> None:
    path = copy / "docs/tasks.md"
    path.write_text(path.read_text().replace("# Tasks", "# Our tasks"))
    assert write(copy) == []
    assert path.read_text().startswith("# Our tasks")


@pytest.mark.parametrize("name", sorted(operations()))
def test_every_operation_has_its_entry_and_its_queue(name: str) -> None:
    one, entries = operations()[name], page("docs/operations.md")
    assert f"\n### {name}\n" in entries
    assert all(fact in entries for fact in (one.summary, one.source, f"`{one.method} {one.path}`"))
    assert f"| `{name}` | `" in page("docs/tasks.md")


@pytest.mark.parametrize("name", [one.name for one in platforms().values() if one.callbacks])
def test_every_callback_has_its_entry(name: str) -> None:
    facts, entries = platforms()[name].callbacks, page("docs/operations.md")
    assert facts is not None
    told = (f"POST /callbacks/{name}?secret_key=…", facts.source, facts.asked_for, *facts.kinds)
    assert all(one in entries for one in told)


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_every_setting_is_explained_and_in_the_example(name: str) -> None:
    assert f"| `{name}` |" in page("docs/settings.md")
    assert f"\n# {name}=" in page(".env.example")


def test_every_word_option_and_code_is_told() -> None:
    text = page("docs/tasks.md")
    assert all(f"| `{one.name}` |" in text for one in (*CALL_WORDS, *FILE_WORDS, *FILE_OPTIONS))
    known = {*WRONG, "words.unknown", "key_reused", "not_connected", "gave_up", "poison", "dropped", "FIELD.missing"}
    assert known <= set(re.findall(r"^\| `([^`]+)`", codes(), re.MULTILINE))


def test_every_code_that_stands_in_the_source_is_told() -> None:
    """Found by its form, not by who raises it: a code that the generator does not find is missed here."""
    told = set(re.findall(r"^\| `([^`]+)`", codes(), re.MULTILINE))
    of_rows = {text for tree in trees("worker", "tasks") for text in texts(tree) if re.fullmatch(r"row\.[a-z_]+", text)}
    of_cells = {f"FIELD.{code}" for code in (*MOMENTS, "number", "naive")}
    assert len(of_rows) > 9
    assert (of_rows | of_cells | {"duplicate", "unchanged", "opted_out"}) - told == set()


def test_no_code_is_without_a_sentence() -> None:
    assert [line for line in codes().splitlines() if line.endswith("|  |")] == []


def test_every_reason_that_the_house_can_give_is_explained_and_no_other() -> None:
    found = EXPLAINED.search((ROOT / "docs/operate.md").read_text())
    assert found is not None
    rows = [line.split(" | ")[0].removeprefix("| ") for line in found[1].splitlines() if line.startswith("| ")]
    explained = {row for row in rows if row not in ("`why`", "---")}
    assert explained == whys()


def test_every_alarm_that_can_be_raised_has_its_row_and_no_other() -> None:
    found = re.search(r"^## Alarms$(.*?)^## ", (ROOT / "docs/operate.md").read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    rows = [line.split("|")[1] for line in found[1].splitlines() if line.startswith("| `")]
    assert sorted(kind for row in rows for kind in re.findall(r"`([^`]+)`", row)) == sorted(set(_alarms()))


def _alarms() -> Iterator[str]:
    """The kinds in all calls that raise one, by the names that their modules have for them."""
    for path in (path for room in ("worker", "tasks", "schedules") for path in (ROOT / room).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and name_of(call) == "raise_alarm":
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                kind = call.args[1]
                if isinstance(kind, ast.Starred):
                    yield from module.KINDS
                else:
                    assert isinstance(kind, ast.Name)
                    yield getattr(module, kind.id)


@pytest.mark.parametrize("path", BY_HAND, ids=lambda path: path.name)
def test_its_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", BY_HAND, ids=lambda path: path.name)
def test_its_commands_exist(path: Path) -> None:
    named = set(re.findall(r"(?:`|\$ |bin/)omniworker ([a-z-]+)(?: ([a-z-]+))?", path.read_text()))
    assert [words for words in sorted(named) if not _exists(*words)] == []


@pytest.mark.parametrize("path", BY_HAND, ids=lambda path: path.name)
def test_the_words_of_its_commands_are_those_of_the_command(path: Path) -> None:
    """Each line of a console, options and number of arguments included; nothing of it is done."""
    text = path.read_text().replace("\\\n", " ")
    blocks = "\n".join(re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    for line in re.findall(r"^\$ (?:\S+/bin/)?omniworker (.+)$", blocks, re.MULTILINE):
        _parse(command, shlex.split(line, comments=True))


def _parse(one: click.Command, words: list[str]) -> None:
    """Raises `UsageError` for a word that there is not."""
    if isinstance(one, click.Group):
        found = one.get_command(click.Context(one), words[0])
        assert found is not None, words
        _parse(found, words[1:])
        return
    context = click.Context(one)
    given, rest, _ = one.make_parser(context).parse_args(args=words)
    needed = [param for param in one.get_params(context) if param.required and given.get(param.name or "") is None]
    assert (needed, rest) == ([], []), words


def _exists(name: str, inner: str) -> bool:
    found = command.get_command(click.Context(command), name)
    if not isinstance(found, click.Group) or not inner:
        return found is not None
    return found.get_command(click.Context(found), inner) is not None
