"""`make upgrade`, with a `docker` that writes down what it is asked: nothing is replaced before all else has worked."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dev import install, upgrade

STEPS = [
    "compose images --quiet app",
    "image tag 0123abcd appmax-checkout:until-20261129-123000",
    *(" ".join(command).removeprefix("docker ") for command in install.build()),
    "compose run --rm --no-deps -T app python manage.py check --deploy",
    "compose run --rm --no-deps -T migrate",
    "compose up --detach --wait quick",
    "compose up --detach --wait app",
    "compose up --detach --wait worker",
    "compose up --detach --wait",
]
NOW = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a docker that fails with 3 at the line that is in the file `broken`."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        '#!/bin/sh\ncase "$*" in "compose version") exit;; *" images "*) echo 0123abcd;; esac\n'
        'echo "$*" >> asked\ngrep -qx -e "$*" broken && exit 3\nexit 0\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    (tmp_path / "broken").touch()
    return tmp_path


def asked(checkout: Path) -> list[str]:
    return (checkout / "asked").read_text().splitlines()


def test_it_replaces_one_after_another_when_all_is_prepared(checkout: Path) -> None:
    assert upgrade.main(checkout, NOW) == 0

    assert asked(checkout) == STEPS


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_it_ends_at_the_step_that_fails(checkout: Path, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "broken").write_text(STEPS[number] + "\n")

    assert upgrade.main(checkout, NOW) == 3

    name_again = ["image tag appmax-checkout:until-20261129-123000 appmax-checkout"] if 2 <= number < 6 else []
    assert asked(checkout) == STEPS[: number + 1] + name_again
    assert ("nothing was replaced" in capsys.readouterr().err) == (number < 6)
