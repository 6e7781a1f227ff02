"""`make run`: what is made once is kept, what the user has named is left alone, what goes wrong is said in one line."""

import socket
import stat
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from checkout_project.environment import Environment
from dev import run, services


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Nothing is configured, and the data folder is a fresh one."""
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "DATA", tmp_path)
    monkeypatch.setattr(run, "LOGS", tmp_path)
    monkeypatch.setattr(run, "RUN_FILE", tmp_path / "run.json")
    for name in ("AUTH_URL", "API_URL", "ADMIN_URL", "CLIENT_ID", "CLIENT_SECRET", "APP_ID_UUID", "APP_ID_NUMERIC"):
        monkeypatch.delenv(f"APPMAX_{name}", raising=False)
    monkeypatch.delenv("SIMULATOR_SEED", raising=False)
    monkeypatch.setenv("SIMULATOR_PORT", str(services.free_port()))
    return Environment(tmp_path / ".env")


def test_the_apps_identity_is_made_once_for_its_owner_only(env: Environment, tmp_path: Path) -> None:
    first = run.simulator_variables(env, "8080")
    kept = list((tmp_path / "secrets").iterdir())

    assert run.simulator_variables(env, "8080") == first
    assert len(kept) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


def test_what_the_user_has_named_is_kept(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPMAX_CLIENT_ID", "mine")

    assert run.simulator_variables(env, "8080")["APPMAX_CLIENT_ID"] == "mine"


def test_the_demo_shop_has_a_port_of_its_own_to_which_the_other_pages_lead(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(services.free_port())
    monkeypatch.setenv("STOREFRONT_PORT", port)

    first = run.storefront_variables(env, "8080", "http://127.0.0.1:9090")

    assert first["DEMO_SHOP_URL"] == first["SIMULATOR_SHOP_URL"] == f"http://127.0.0.1:{port}/shop"
    assert first["STOREFRONT_APP_URL"] == "http://127.0.0.1:8080"
    assert first["STOREFRONT_SIMULATOR_URL"] == "http://127.0.0.1:9090"
    assert first == run.storefront_variables(env, "8080", "http://127.0.0.1:9090")  # its cookies outlive a restart


@pytest.mark.parametrize("name", ["APPMAX_AUTH_URL", "APPMAX_API_URL", "APPMAX_ADMIN_URL"])
def test_nobody_plays_appmax_when_the_user_has_named_one_of_its_addresses(
    env: Environment, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert run.is_simulated(env)

    monkeypatch.setenv(name, "https://api.sandboxappmax.com.br")

    assert not run.is_simulated(env)


def test_a_taken_port_names_the_variable_to_set(env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("SIMULATOR_PORT", str(port))

        with pytest.raises(SystemExit, match=f"^port {port} is taken; set SIMULATOR_PORT to another one$"):
            run.simulator_variables(env, "8080")


def test_a_second_start_is_refused(env: Environment) -> None:
    with ExitStack() as first, ExitStack() as second:
        run._only_one(first)

        with pytest.raises(SystemExit, match="running here already"):
            run._only_one(second)


def test_a_part_that_stops_by_itself_is_named_with_its_log(
    env: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        part = run._start(stack, {}, "gunicorn", "-c", "print('why it ended')", echo=True)
        deadline = time.monotonic() + 10
        while part.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)

        assert run._report_dead([part])

    assert "gunicorn has stopped by itself (log: gunicorn.log)" in capsys.readouterr().err
    assert part.log.read_text() == "why it ended\n"


def test_a_worker_that_has_lost_its_database_is_started_again_unless_it_ends_at_once(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = run.Part("worker", lambda: True, run.LOGS / "worker.log")
    ended = run.Part("worker", lambda: False, run.LOGS / "worker.log", again=lambda: alive)

    assert run._restarted([ended]) == [ended]

    monkeypatch.setattr(run, "STEADY_SECONDS", 0)
    assert run._restarted([ended]) == [alive]
    assert run._restarted([alive]) == [alive]


def test_a_part_that_ignores_sigterm_is_killed_with_its_children(
    env: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = (
        "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "os.fork(); print('ready', flush=True); time.sleep(60)"
    )
    monkeypatch.setattr(run, "STOP_SECONDS", 0.2)
    started = time.monotonic()

    with ExitStack() as stack:
        part = run._start(stack, {}, "simulator", "-c", script)
        while part.log.read_text().count("ready") < 2 and time.monotonic() < started + 10:
            time.sleep(0.02)

    assert not part.is_running()
    assert time.monotonic() - started < 15


def test_a_failing_command_ends_the_start_with_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "manage.py").write_text("import sys; sys.exit('a traceback\\nno such database')")
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "LOGS", tmp_path)

    with pytest.raises(SystemExit, match=r"^manage.py migrate failed: no such database \(all of it: manage.log\)$"):
        run.manage({"PATH": sys.prefix}, "migrate")
