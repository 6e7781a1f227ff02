"""`make run` gives the demo shop a key of its own, and never leaves it with a dead one."""

from pathlib import Path

import pytest

from checkout_project.environment import Environment
from dev import run


class Manage:
    """Stands in for manage.py: makes keys, and knows which are good.

    The real one is another process with a connection of its own, so these tests would need a server and seconds a call.
    """

    def __init__(self) -> None:
        self.good: list[str] = []

    def __call__(self, environment: dict[str, str], command: str, *arguments: str) -> str:
        if command == "create_api_key":
            assert "--installation" not in arguments
            self.good.append(f"key-{len(self.good)}")
            return self.good[-1]
        return str(environment["STOREFRONT_API_KEY"] in self.good)


@pytest.fixture
def manage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manage:
    fake = Manage()
    monkeypatch.setattr(run, "manage", fake)
    monkeypatch.setattr(run, "DATA", tmp_path)
    monkeypatch.delenv("STOREFRONT_API_KEY", raising=False)
    return fake


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment(tmp_path / ".env")


def test_the_key_is_made_once_for_its_owner_only(manage: Manage, env: Environment, tmp_path: Path) -> None:
    assert run._storefront_key(env, {}) == run._storefront_key(env, {}) == "key-0"
    assert (tmp_path / "secrets" / "storefront_api_key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_the_database_doesnt_know_any_more_is_replaced(manage: Manage, env: Environment) -> None:
    run._storefront_key(env, {})
    manage.good[0] = "revoked"

    assert run._storefront_key(env, {}) == "key-1"
    assert run._storefront_key(env, {}) == "key-1"


def test_a_key_of_the_users_own_is_left_alone(
    manage: Manage, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREFRONT_API_KEY", "mine")

    assert run._storefront_key(env, {}) == "mine"
    assert manage.good == []
