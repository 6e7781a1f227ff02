"""`make backup` dumps the database that is in use, and `make restore` brings a dump back as a new one beside it.

Which database that is, is asked of the running configuration: after a restore it has another name. Only the standard
library is used, and Docker with Compose 2.20 or newer.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from dev.install import COMPOSE, ROOT, require_docker

ON_POSTGRES = [*COMPOSE, "exec", "-T"]
KEEP = 14  # dumps


def backup(root: Path, environment: Mapping[str, str], now: datetime) -> Path:
    """Dump to backups/, which only its owner can read, and delete all but the newest KEEP dumps; returns the new one.

    Raises CalledProcessError, and then deletes nothing.
    """
    keep = int(environment.get("KEEP") or KEEP)
    database = _configured(root)
    folder = root / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    dump = folder / f"{now:%Y-%m-%dT%H%M%SZ}.dump"
    part = dump.with_suffix(".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        command = [*ON_POSTGRES, "postgres", "pg_dump", "-U", "postgres", "--format=custom", database]
        subprocess.run(command, cwd=root, stdout=file, check=True)
        os.fsync(file.fileno())
    part.rename(dump)
    for old in sorted(folder.glob("*.dump"))[: -max(keep, 1)]:
        old.unlink()
    print(f"{database} is in {dump} ({dump.stat().st_size} bytes)", flush=True)
    return dump


def restore(root: Path, dump: Path, now: datetime) -> str:
    """Bring the dump back as a new database, have .env name that one, and start the product with it; returns its name.
    The database that was in use stays as it is.

    Raises CalledProcessError; until the new database is complete, .env names the one before.
    """
    database = f"appmax_{now:%Y%m%d_%H%M%S}"
    in_new = [*ON_POSTGRES, "-e", f"POSTGRES_DB={database}", "postgres", "sh", "/docker-entrypoint-initdb.d/roles.sh"]
    fill = [*ON_POSTGRES, "postgres", "pg_restore", "-U", "postgres", "--exit-on-error", "--no-owner"]
    if not dump.stat().st_size:
        raise OSError(f"{dump} is empty")
    _run(root, [*COMPOSE, "up", "--detach", "--wait", "postgres", "redis"])
    _run(root, [*COMPOSE, "stop", "app", "quick", "worker"])
    _run(root, [*ON_POSTGRES, "postgres", "createdb", "-U", "postgres", database])
    _run(root, in_new)
    with dump.open("rb") as file:
        command = [*fill, "--no-privileges", "--role=appmax_owner", f"--dbname={database}"]
        subprocess.run(command, cwd=root, stdin=file, check=True)
    _name_in_dotenv(root / ".env", database)
    _run(root, [*COMPOSE, "up", "--detach", "--wait"])
    _run(root, [*ON_POSTGRES, "app", "python", "manage.py", "reconcile_orders"])
    print(f"the product works with {database} now, and .env names it: keep a copy of that, too", flush=True)
    return database


def _configured(root: Path) -> str:
    """The name of the database that the running web uses."""
    command = [*ON_POSTGRES, "app", "printenv", "DB_DATABASE"]
    return subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _run(root: Path, command: list[str]) -> None:
    print("+", *command, flush=True)
    subprocess.run(command, cwd=root, check=True)


def _name_in_dotenv(dotenv: Path, database: str) -> None:
    """Replace the file at once, so that a crash leaves a whole one."""
    lines = [line for line in dotenv.read_text().splitlines() if not re.match(r"\s*(export\s+)?DB_DATABASE\s*=", line)]
    draft = dotenv.with_name(".env.new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join([*lines, f"DB_DATABASE={database}", ""]))
    draft.rename(dotenv)


def main(arguments: list[str]) -> int:
    """1 after a step that failed, or 0. Raises SystemExit for other arguments than `backup` and `restore DUMP`."""
    now = datetime.now(UTC)
    try:
        match arguments:
            case ["backup"]:
                require_docker()
                backup(ROOT, os.environ, now)
            case ["restore", dump]:
                require_docker()
                restore(ROOT, Path(dump), now)
            case _:
                raise SystemExit("say which dump: make restore DUMP=backups/2026-11-29T030000Z.dump")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
