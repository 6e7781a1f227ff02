"""requirements*.txt are what `make requirements` makes of requirements*.in, and hold nothing of its machine."""

import re
from pathlib import Path

import pytest

from dev import venv

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.txt", venv.RUN, venv.DEV]
BLOCK = re.compile(r"^(\S+==\S+)([^\n]*)\n((?: +[^\n]*\n)*)", re.MULTILINE)


def named(name: str) -> set[str]:
    """The pins that a person wrote into the .in file, without extras and markers, in lower case."""
    lines = re.findall(r"^([A-Za-z][^\s#;]*)", (ROOT / name).read_text(), re.MULTILINE)
    return {re.sub(r"\[.*\]", "", line).lower() for line in lines}


def compiled(name: str) -> dict[str, str]:
    """Each pin of the .txt file, and the lines below it: its hashes, and on whose behalf it is there."""
    return {pin: below for pin, _, below in BLOCK.findall((ROOT / name).read_text() + "\n")}


@pytest.mark.parametrize("name", ["requirements", "requirements-run", "requirements-dev", "requirements-compose"])
def test_what_a_person_wrote_is_what_was_compiled(name: str) -> None:
    direct = {
        re.sub(r"\[.*\]", "", pin) for pin, below in compiled(f"{name}.txt").items() if f"-r {name}.in\n" in below
    }

    assert direct == named(f"{name}.in")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_hashes(name: str) -> None:
    packages = compiled(name)
    lines = re.findall(r"^[^\s#][^\n]*", (ROOT / name).read_text(), re.MULTILINE)

    assert len(packages) == len(lines) > 50
    assert [pin for pin, below in packages.items() if "--hash=sha256:" not in below] == []


def test_each_lock_holds_the_very_packages_of_the_smaller_one() -> None:
    product, run, developers = (set(compiled(name)) for name in LOCKS)

    assert product < run < developers


@pytest.mark.parametrize("name", ["Dockerfile", "docs/deploy.md"])
def test_wherever_a_lock_is_installed_nothing_is_resolved_and_nothing_is_built(name: str) -> None:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    commands = [words.split() for words in re.findall(r"pip [^\n&]*install [^\n&]*-r [^\n&]*", text)]

    assert len(commands) == 1
    assert set(venv.TO_THE_LETTER) - set(commands[0]) == set()


@pytest.mark.parametrize("name", [*LOCKS, venv.COMPOSE])
def test_no_index_and_no_path_of_a_machine_is_in_them(name: str) -> None:
    assert re.findall(r"://|index-url|find-links| /\w+/", (ROOT / name).read_text()) == []
