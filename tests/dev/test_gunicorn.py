"""gunicorn.conf.py: the settings decide, the access log is silent about secrets, a wrong setting is one line."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from gunicorn import glogging

from tests.support import fresh_process, gunicorn_conf

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def conf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return gunicorn_conf.read()


def test_reading_it_leaves_this_process_with_the_modules_that_it_had(
    monkeypatch: pytest.MonkeyPatch, conf: dict[str, Any]
) -> None:
    monkeypatch.delitem(sys.modules, "web.server", raising=False)  # which nothing but gunicorn needs
    before = dict(sys.modules)

    gunicorn_conf.read()

    assert {name for name in before if sys.modules.get(name) is not before[name]} == set()
    assert set(sys.modules) - set(before) == set()


def test_workers_are_those_that_share_the_database_connections(conf: dict[str, Any]) -> None:
    assert (conf["workers"], conf["threads"]) == (settings.WEB_CONCURRENCY, settings.WEB_THREADS)


def test_it_listens_where_the_settings_say(conf: dict[str, Any]) -> None:
    assert conf["bind"] == f"{settings.APP_HOST}:{settings.APP_PORT}"


def test_it_logs_as_the_product_does_and_leaves_the_requests_to_it(conf: dict[str, Any]) -> None:
    assert conf["logconfig_dict"] == settings.LOGGING
    assert conf["logger_class"].access is not glogging.Logger.access


def test_a_wrong_setting_ends_the_start_in_one_line() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config", "-c", "gunicorn.conf.py"],
        cwd=ROOT,
        env=os.environ | {"APP_PORT": "abc"},
        capture_output=True,
        text=True,
    )

    assert result.returncode != 0
    assert result.stderr.strip() == "configuration error: APP_PORT must be a whole number of at least 1, not 'abc'"


def _read_and_see_whether_django_is_set_up() -> None:
    from django.conf import settings as of_django

    runpy.run_path("gunicorn.conf.py")
    assert not of_django.configured


def test_what_is_read_before_the_fork_keeps_no_settings_that_a_reload_changes(tmp_path: Path) -> None:
    given = {name: os.environ[name] for name in os.environ if name != "DJANGO_SETTINGS_MODULE"}

    done = fresh_process.run(
        _read_and_see_whether_django_is_set_up, **given | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    )

    assert done.returncode == 0, done.stderr


def test_a_reload_reads_the_settings_of_the_new_code(monkeypatch: pytest.MonkeyPatch, conf: dict[str, Any]) -> None:
    monkeypatch.setenv("WEB_THREADS", "3")  # stands for a changed line of settings.py

    assert gunicorn_conf.read()["threads"] == 3


def _load_the_product() -> None:
    import threading

    from django.db import connection

    import checkout_project.wsgi  # noqa: F401

    assert threading.active_count() == 1
    assert not connection._connection_pools  # type: ignore[attr-defined] # of the PostgreSQL backend


def test_a_product_that_is_loaded_before_the_fork_has_no_threads_and_no_connections(tmp_path: Path) -> None:
    """A process would inherit neither in working order."""
    done = fresh_process.run(_load_the_product, **os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})

    assert done.returncode == 0, done.stderr


def test_a_product_that_is_loaded_before_the_fork_is_not_mixed_with_new_code(
    monkeypatch: pytest.MonkeyPatch, conf: dict[str, Any]
) -> None:
    loaded = sys.modules["checkout_project.settings"]
    monkeypatch.setattr(loaded, "WEB_PRELOAD", True)

    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["preload_app"]
    assert sys.modules["checkout_project.settings"] is loaded


def test_a_process_starts_though_the_folder_of_figures_was_tidied_away(conf: dict[str, Any], tmp_path: Path) -> None:
    tmp_path.rmdir()

    conf["post_fork"](None, None)

    assert tmp_path.is_dir()


def test_two_groups_on_one_machine_keep_their_figures_apart() -> None:
    """Whoever starts deletes what lies in its folder of figures."""
    unit = (ROOT / "ops" / "systemd" / "appmax-web@.service").read_text()

    assert "RuntimeDirectory=appmax-web-%i\nEnvironment=PROMETHEUS_MULTIPROC_DIR=%t/appmax-web-%i\n" in unit
