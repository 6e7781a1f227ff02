"""`make backup` and `make restore`, with a `docker` whose databases are files: the backup follows the restore."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from dev import backup

NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
# The running web has the name that .env had at the last `up` of everything; a dump is the database's file.
DOCKER = r"""#!/bin/sh
for last; do :; done
[ ! -e broken ] || ! echo "$*" | grep -q -f broken || exit 1
echo "$*" >> asked
case "$*" in
"compose up --detach --wait") sed -n 's/^DB_DATABASE=//p' .env > running ;;
*printenv*) cat running ;;
*createdb*) [ ! -e "db/$last" ] && touch "db/$last" ;;
*pg_restore*) cat > "db/${last#--dbname=}" ;;
*pg_dump*) cat "db/$last" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    (tmp_path / ".env").write_text("APP_KEY=a\nDB_DATABASE=appmax_checkout\nDB_PASSWORD=b\n")
    (tmp_path / "running").write_text("appmax_checkout\n")
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "appmax_checkout").write_text("old rows")
    return tmp_path


def test_a_backup_is_its_owners_only_and_has_the_database_that_runs(checkout: Path) -> None:
    dump = backup.backup(checkout, {}, NOW)

    assert (dump.name, dump.read_text()) == ("2026-11-29T030000Z.dump", "old rows")
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    assert stat.S_IMODE(dump.parent.stat().st_mode) == 0o700


def test_the_backup_after_a_restore_is_of_the_restored_database_twice_in_a_row(checkout: Path) -> None:
    first = backup.backup(checkout, {}, NOW)

    for hour in (1, 2):
        name = backup.restore(checkout, first, NOW + timedelta(hours=hour))
        (checkout / "db" / name).write_text(f"new rows {hour}")
        after = backup.backup(checkout, {}, NOW + timedelta(hours=hour, minutes=30))

        assert after.read_text() == f"new rows {hour}"
        assert (checkout / ".env").read_text() == f"APP_KEY=a\nDB_PASSWORD=b\nDB_DATABASE={name}\n"
        assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600
    assert (checkout / "db" / "appmax_checkout").read_text() == "old rows"


@pytest.mark.parametrize("step", ["createdb", "roles.sh", "pg_restore"])
def test_a_restore_that_fails_leaves_the_configuration(checkout: Path, step: str) -> None:
    dump, before = backup.backup(checkout, {}, NOW), (checkout / ".env").read_text()
    (checkout / "broken").write_text(step)

    with pytest.raises(CalledProcessError):
        backup.restore(checkout, dump, NOW)

    assert (checkout / ".env").read_text() == before


def test_only_the_newest_are_kept(checkout: Path) -> None:
    for day in range(5):
        backup.backup(checkout, {"KEEP": "3"}, NOW + timedelta(days=day))

    assert sorted(file.name[:10] for file in (checkout / "backups").iterdir()) == [
        "2026-12-01",
        "2026-12-02",
        "2026-12-03",
    ]


@pytest.mark.parametrize("step", ["printenv", "pg_dump"])
def test_a_backup_that_fails_deletes_none_and_is_none(checkout: Path, step: str) -> None:
    dump = backup.backup(checkout, {}, NOW)
    (checkout / "broken").write_text(step)

    with pytest.raises(CalledProcessError):
        backup.backup(checkout, {"KEEP": "1"}, NOW + timedelta(days=1))

    assert list((checkout / "backups").glob("*.dump")) == [dump]


def test_a_restore_wants_a_dump() -> None:
    with pytest.raises(SystemExit, match="make restore DUMP="):
        backup.main(["restore"])
