"""`make test`: runs the linters, and the suite without drills with its own PostgreSQL 16 and Redis-protocol server."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from cryptography.fernet import Fernet

from dev import services

ROOT = Path(__file__).resolve().parent.parent
PYTHON = [sys.executable, "-m"]
LINTERS = [
    [*PYTHON, "ruff", "check", "."],
    [*PYTHON, "ruff", "format", "--check", "."],
    [*PYTHON, "mypy", "."],
    [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"],
    [*PYTHON, "bandit", "--quiet", "--configfile", "pyproject.toml", "--severity-level", "medium", "--recursive", "."],
    [str(Path(sys.executable).with_name("vulture"))],
    [str(Path(sys.executable).with_name("deptry")), ".", "--config", "dev/deptry.toml"],
    [str(Path(sys.executable).with_name("hadolint")), "Dockerfile"],
    [*PYTHON, "dev.compose"],
    [*PYTHON, "dev.nginx"],
    [*PYTHON, "dev.chart"],
    [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    [sys.executable, "manage.py", "lintmigrations", "--settings", "dev.lint_settings"],
    [sys.executable, "manage.py", "check", "--fail-level", "ERROR"],
    [sys.executable, "manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", os.devnull],
]

WITHOUT_DRILLS = "--ignore=tests/drills"  # Drills take minutes, so `make drills` runs them.


def main(arguments: list[str]) -> int:
    """`--lint` runs the linters only. `--coverage` runs the suite and shows which branches it takes. With any other
    arguments, which go to pytest, the linters are left out."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda number, _: sys.exit(128 + number))  # An exit stops the servers, too.
    with (
        services.temporary_folder() as folder,
        services.redis() as redis,
        services.postgres(folder / "pg", throw_away=True) as database,
    ):
        environment = os.environ | variables() | database.variables | redis.variables
        if "--lint" in arguments or not arguments:
            for command in LINTERS:
                started = time.monotonic()
                if code := subprocess.run(command, cwd=ROOT, env=environment).returncode:
                    return code
                print(f"--- {' '.join(command[1:])}: {time.monotonic() - started:.1f} s", flush=True)
        if "--lint" in arguments:
            return 0
        if "--coverage" in arguments:
            arguments = [WITHOUT_DRILLS, "--cov", "--cov-branch", "--cov-report=term-missing:skip-covered"]
        suite = [*PYTHON, "pytest", "-n", "auto", "--dist", "worksteal", *(arguments or [WITHOUT_DRILLS])]
        return subprocess.run(suite, cwd=ROOT, env=environment).returncode


def variables() -> dict[str, str]:
    """All variables of `.env.example`. Those that aren't set here are blank, so that a developer's `.env` changes no
    test."""
    names = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict.fromkeys(names, "") | {
        "APP_ENV": "local",
        "APP_DEBUG": "false",
        "APP_KEY": "only-for-tests-" + os.urandom(16).hex(),
        "APP_URL": "http://localhost:8080",
        "APP_PORT": "8080",
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "SEARCH_HASH_KEYS": os.urandom(16).hex(),
        "API_KEYS_REQUIRED": "true",
        "CACHE_DRIVER": "redis",
        "REDIS_DB": "0",
        "WEB_CONCURRENCY": "1",
        "DB_MAX_OPEN_CONNS": "25",
        "LOG_LEVEL": "INFO",
    }


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
