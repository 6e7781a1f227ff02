"""The operator's hands: commands in the checkout, `.env`, containers, and lines of the print-out."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path.cwd()
LOG = Path("/var/log/commands.log")
STARTED = time.monotonic()
COMPOSE = ("docker", "compose")


class Failed(Exception):
    """A step hasn't shown what it has to show."""


def title(what: str) -> None:
    """Print where a step begins."""
    print(f"\n[{time.monotonic() - STARTED:4.0f} s] {what}", flush=True)


def show(what: str) -> None:
    """Print what was seen."""
    print(f"    {what}", flush=True)


def must(holds: bool, what: str) -> None:
    """Print what holds. Raises Failed if it doesn't."""
    if not holds:
        raise Failed(what)
    show(what)


def run(*command: str, text: str = "", **environment: str) -> str:
    """What the command prints, in the checkout. Raises Failed with the last of it if the command fails."""
    done = attempt(*command, text=text, **environment)
    if done.returncode:
        raise Failed(f"exit code {done.returncode} of {' '.join(command)}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip()


def attempt(*command: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Like `run`, for a command that may fail."""
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"} | environment
    done = subprocess.run(command, cwd=HERE, env=variables, input=text, capture_output=True, text=True)
    with LOG.open("a") as log:
        log.write(f"+ {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done


def do(*command: str, **environment: str) -> str:
    """`run`, for a line of the documented way: the line is printed, and the time that it took."""
    began = time.monotonic()
    words = [*(f"{name}={value}" for name, value in environment.items()), *command]
    show(f"$ {' '.join(words)}")
    printed = run(*command, **environment)
    show(f"  {time.monotonic() - began:.0f} s")
    return printed


def manage(*arguments: str) -> str:
    """What a command of manage.py prints, in the running web."""
    return run(*COMPOSE, "exec", "-T", "app", "python", "manage.py", *arguments)


def set_in_dotenv(**values: str) -> None:
    """Sets variables in .env, as the operator does with an editor."""
    dotenv = HERE / ".env"
    text = dotenv.read_text()
    for name, value in values.items():
        show(f".env: {name}={'…' if 'SECRET' in name or 'KEYS' in name else value}")
        text, found = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        text += "" if found else f"{name}={value}\n"
    dotenv.write_text(text)


def in_dotenv(name: str) -> str:
    """The value of a variable, or a blank text."""
    found = re.search(rf"^{name}=(.*)$", (HERE / ".env").read_text(), re.MULTILINE)
    return found[1] if found else ""


def containers(*services: str) -> list[dict[str, Any]]:
    """What docker knows of the running containers of these services, or of all; sorted by name."""
    ids = run(*COMPOSE, "ps", "--quiet", *services).split()
    return sorted(json.loads(run("docker", "inspect", *ids)), key=lambda one: one["Name"]) if ids else []


def name_of(container: dict[str, Any]) -> str:
    """The container's short name, such as `app-1`."""
    return str(container["Name"]).removeprefix("/appmax-checkout-")


def processor_seconds(container: dict[str, Any]) -> float:
    """All the processor time that the container has used."""
    old = Path("/sys/fs/cgroup/cpuacct/docker") / container["Id"] / "cpuacct.usage"
    if old.exists():
        return int(old.read_text()) / 1e9
    stat = (Path("/sys/fs/cgroup/docker") / container["Id"] / "cpu.stat").read_text()
    return int(stat.split()[1]) / 1e6


def quit_with(error: Failed) -> int:
    """Print what has failed, and what the containers last said; returns 1."""
    print(f"\nFAILED: {error}\n", file=sys.stderr)
    print(attempt(*COMPOSE, "ps", "--all").stdout, file=sys.stderr)
    print(attempt(*COMPOSE, "logs", "--no-color", "--tail", "15").stdout, file=sys.stderr)
    print(attempt("docker", "logs", "--tail", "15", "simulator").stderr, file=sys.stderr)
    return 1
