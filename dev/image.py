"""`make image`: runs the steps of the Dockerfile without a container engine, until the web answers.

Each stage is an empty folder that stands for the image's /srv. The final stage is run as Compose runs it: read-only,
and, if by root, without capabilities. What only an engine can show: the base images, and the user's number.
"""

import io
import json
import os
import shlex
import shutil
import signal
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import docker.utils
import requests
import yaml
from dockerfile_parse import DockerfileParser

from dev import install, services

ROOT = Path(__file__).resolve().parent.parent
HOST = "checkout.example.com"
PAGES = ["/health", "/", "/admin/login/", "/static/backoffice/backoffice.css", "/metrics", "/health/ready"]
WAIT_SECONDS = 30.0


@dataclass
class Stage:
    """A stage of the Dockerfile: the folder that stands for /srv, and the environment of the next command."""

    srv: Path
    environment: dict[str, str]
    folder: Path
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def build(folder: Path) -> Stage:
    """Make the final stage in `folder`. Raises CalledProcessError if a step fails."""
    srv = folder / "srv"
    inherited = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
    # This interpreter stands for the base image's.
    inherited["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    stage, name = Stage(srv, {}, srv), ""
    for step in DockerfileParser(fileobj=io.BytesIO((ROOT / "Dockerfile").read_bytes())).structure:
        value = step["value"].replace("/srv", str(srv))
        match step["instruction"]:
            case "FROM":
                if srv.exists():
                    srv.rename(folder / name)
                srv.mkdir()
                stage, name = Stage(srv, dict(inherited), srv), value.partition(" AS ")[2]
            case "ENV":
                for word in shlex.split(value):
                    variable, _, text = word.partition("=")
                    stage.environment[variable] = string.Template(text).substitute(stage.environment)
            case "WORKDIR":
                stage.folder = Path(value)
                stage.folder.mkdir(exist_ok=True)
            case "COPY":
                _copy(shlex.split(value), stage, folder)
            case "RUN":
                subprocess.run(["sh", "-ec", value], cwd=stage.folder, env=stage.environment, check=True)
            case "HEALTHCHECK":
                stage.health = json.loads(value.partition("CMD ")[2])
            case "CMD":
                stage.command = json.loads(value)
            case "COMMENT" | "USER" | "EXPOSE" | "ARG" | "LABEL":
                pass
            case other:
                raise SystemExit(f"Dockerfile: dev/image.py knows no {other}")
    return stage


def _copy(words: list[str], stage: Stage, folder: Path) -> None:
    """Carries out a COPY: `--from=STAGE PATH PATH`, or files of the checkout that .dockerignore lets through."""
    if words[0].startswith("--from="):
        other = folder / words[0].removeprefix("--from=")
        shutil.copytree(other / Path(words[1]).relative_to(stage.srv), words[2], symlinks=True)
        return
    patterns = (ROOT / ".dockerignore").read_text().splitlines()
    context = docker.utils.exclude_paths(str(ROOT), [line for line in patterns if line and not line.startswith("#")])
    source = ROOT / words[0]
    for file in sorted(ROOT / name for name in context):
        if file.is_file() and file.is_relative_to(source):
            target = stage.folder / file.relative_to(source if source.is_dir() else ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)


def as_in_compose(stage: Stage) -> list[str]:
    """Make the final stage read-only; returns the words that its commands begin with."""
    for path in [stage.srv, *stage.srv.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    if os.geteuid():
        return []
    # The one capability left reaches the embedded PostgreSQL's socket; without the others root can't write either.
    return ["setpriv", "--bounding-set=-all,+dac_read_search", "--inh-caps=-all", "--no-new-privs"]


def production(*variables: dict[str, str]) -> dict[str, str]:
    """The variables that `make install` would make, those of a made-up app at Appmax, and the ports of this run."""
    appmax = {"APPMAX_CLIENT_ID": "id", "APPMAX_CLIENT_SECRET": "secret", "APPMAX_APP_ID_NUMERIC": "4242"}
    appmax["APPMAX_APP_ID_UUID"] = "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11"
    own = {"APP_URL": f"https://{HOST}", "APP_PORT": str(services.free_port()), "TRUSTED_PROXIES": "1"}
    found = install.keys() | appmax | own
    for more in variables:
        found |= more
    return found | {"REDIS_PASSWORD": ""}  # the server of this run has none


@contextmanager
def _running(command: list[str], stage: Stage, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has to stop with exit code 0 on SIGTERM."""
    process = subprocess.Popen(command, cwd=stage.folder, env=environment)
    try:
        yield process
    except BaseException:
        process.kill()
        raise
    process.send_signal(signal.SIGTERM)
    if code := process.wait(timeout=WAIT_SECONDS):
        raise SystemExit(f"{command[-1]} stopped with {code}")


def _wait_for_health(command: list[str], stage: Stage, environment: dict[str, str]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while subprocess.run(command, cwd=stage.folder, env=environment, stderr=subprocess.DEVNULL).returncode:
        if time.monotonic() > deadline:
            raise SystemExit(f"the health check fails: {command}")


def _ask(environment: dict[str, str], path: str) -> None:
    """Ask the web as a proxy or Prometheus would. Raises HTTPError for an error."""
    headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    headers["Authorization"] = f"Bearer {environment['METRICS_TOKEN']}"
    answer = requests.get(f"http://127.0.0.1:{environment['APP_PORT']}{path}", headers=headers, timeout=10)
    answer.raise_for_status()
    print(f"{answer.status_code} {path} ({len(answer.content)} bytes)", flush=True)


def main() -> None:
    """Raises SystemExit or CalledProcessError at the first step that fails."""
    started = time.monotonic()
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    with (
        services.temporary_folder() as folder,
        services.redis() as redis,
        services.postgres(folder / "pg", throw_away=True) as database,
    ):
        (folder / "image").mkdir()
        stage = build(folder / "image")
        print(f"--- built: {time.monotonic() - started:.1f} s", flush=True)
        prefix = as_in_compose(stage)
        environment = stage.environment | production(database.variables, redis.variables)

        for command in (compose["migrate"]["command"], ["python", "manage.py", "check", "--deploy"]):
            quiet = ["--verbosity", "0"] if "migrate" in command else ["--fail-level", "WARNING"]
            subprocess.run([*prefix, *command, *quiet], cwd=stage.folder, env=environment, check=True)
        with _running([*prefix, *stage.command], stage, environment):
            _wait_for_health([*prefix, *stage.health], stage, environment)
            for path in PAGES:
                _ask(environment, path)
        Path(environment["WORKER_SIGN"]).unlink(missing_ok=True)  # of an earlier run
        with _running([*prefix, *compose["worker"]["command"]], stage, environment):
            _wait_for_health([*prefix, *compose["worker"]["healthcheck"]["test"][1:]], stage, environment)
        print(f"--- migrated, checked, served, worked: {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    main()
