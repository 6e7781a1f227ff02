"""A process with an environment of its own, in a tenth of the time that a new interpreter takes.

The fork server has imported the libraries that the settings import, and nothing of ours.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import django
from django.test import RequestFactory

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["cryptography.fernet", "csp", "django.core.management", "django_stubs_ext", "idna", "procrastinate", "redis"]
)


def run(function: Callable[..., None], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call a function in a fresh process that sees these variables and PATH: its exit code and its output. Its module
    must import nothing that reads settings."""
    variables = {"PATH": os.environ["PATH"], **environment}
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder, "stdout"), Path(folder, "stderr")
        process = _PROCESSES.Process(target=_work, args=(function, arguments, variables, outputs))
        process.start()
        process.join(timeout=60)
        assert process.exitcode is not None, "it is still running"
        code, texts = process.exitcode, [path.read_text() for path in outputs]
    return subprocess.CompletedProcess([function.__name__, *arguments], code, *texts)


def manage(*arguments: str) -> None:
    """manage.py, as a shell runs it."""
    sys.argv = ["manage.py", *arguments]
    runpy.run_path("manage.py", run_name="__main__")


def print_client_ip(forwarded: str) -> None:
    """The address that counts for a login which a proxy at 10.0.0.1 forwarded with this X-Forwarded-For."""
    django.setup()
    from axes.helpers import get_client_ip_address

    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    sys.stdout.write(str(get_client_ip_address(RequestFactory().post("/", REMOTE_ADDR="10.0.0.1", headers=headers))))


def print_tokens(times: str) -> None:
    """Take one token after the other out of a bucket of 20, and print how many there were."""
    django.setup()
    from web.limits import Limit

    limit = Limit("test", 20, 36_000)
    sys.stdout.write(str(sum(limit.take("shop").is_allowed for _ in range(int(times)))))


def _work(
    function: Callable[..., None], arguments: tuple[str, ...], variables: Mapping[str, str], outputs: tuple[Path, Path]
) -> None:
    for number, path in enumerate(outputs, start=1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(variables)
    function(*arguments)
