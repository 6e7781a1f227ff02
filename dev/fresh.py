"""`make fresh`: installs the locks into empty environments, as `make run` and `make test` do, while a newer release of
every package is out.

pip 23.0 to 23.2, which come with Debian 12 and Python 3.11, answer `coverage[toml]` with the newest coverage, whatever
is pinned; an installation that resolves anything then fails. So beside the real packages pip finds a made-up release
9999 of each of them, with the same extras. Python 3.11 gets pip 23.0.1, other Pythons keep the pip that they come with.
"""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

from dev import venv

# Those that aren't on the machine are left out. The developers' lock holds all packages of the others.
PYTHONS = {"3.11": ["requirements.txt", venv.DEV], "3.12": [venv.DEV], "3.13": [venv.DEV]}
OLD_PIP = "pip==23.0.1 --hash=sha256:236bcb61156d76c4b8a05821b988c7b8c35bf0da28a4b614e8d6ab5212c25c6f\n"
NEWER = "9999"


def main() -> int:
    """Raises CalledProcessError if a lock can't be installed, and SystemExit if the run proves nothing."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        releases = folder / "releases"
        releases.mkdir()
        for name in pinned(venv.DEV):
            release(releases, name, NEWER, extras=_extras(name))
        os.environ["PIP_FIND_LINKS"] = f"{os.environ.get('PIP_FIND_LINKS', '')} {releases}".strip()
        os.environ["PIP_NO_COMPILE"] = "1"  # nothing of it is started
        here = [python for python in PYTHONS if _is_here(python)]
        if not here:
            sys.exit("none of these Pythons is on this machine, so this run has shown nothing")
        for python in here:
            for lock in PYTHONS[python]:
                started = time.monotonic()
                interpreter = _empty(folder / "venv", python)
                pip = subprocess.run([interpreter, "-m", "pip", "--version"], capture_output=True, text=True).stdout
                venv.install(interpreter, venv.ROOT / lock)
                how = f"Python {python} with {' '.join(pip.split()[:2])}, {time.monotonic() - started:.0f} s"
                print(f"{lock} is installed: {how}", flush=True)
        _refuse_unless_seen(sys.executable)
    return 0


def pinned(lock: str) -> list[str]:
    """The names of a lock's packages."""
    return re.findall(r"^([A-Za-z0-9][^=\s]*)==", (venv.ROOT / lock).read_text(), re.MULTILINE)


def release(folder: Path, name: str, version: str, *, needs: Iterable[str] = (), extras: Iterable[str] = ()) -> Path:
    """Make an empty wheel; returns its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    about = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    about += [f"Requires-Dist: {need}" for need in needs]
    about += [f"Provides-Extra: {extra}" for extra in extras]
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", "\n".join(about) + "\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def _extras(name: str) -> list[str]:
    """The extras of the package as it is installed here. A package that isn't needed on this machine has none."""
    try:
        return importlib.metadata.metadata(name).get_all("Provides-Extra") or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _is_here(python: str) -> bool:
    found = shutil.which(f"python{python}") and not _python(python, "-c", "import ensurepip").returncode
    print(f"Python {python} is {'here' if found else 'not on this machine'}", flush=True)
    return bool(found)


def _python(version: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs an interpreter. pyenv's commands need a variable that names their version."""
    environment = os.environ | {"PYENV_VERSION": version}
    return subprocess.run([f"python{version}", *arguments], env=environment, capture_output=True, text=True)


def _empty(folder: Path, python: str) -> Path:
    """Make an empty environment; returns its interpreter."""
    _python(python, "-m", "venv", "--clear", str(folder)).check_returncode()
    interpreter = folder / "bin" / "python"
    if python == "3.11":
        lock = folder / "pip.txt"
        lock.write_text(OLD_PIP)
        venv.install(interpreter, lock)
    return interpreter


def _refuse_unless_seen(python: str) -> None:
    """Exits unless pip chooses the made-up release when it is asked for a package without a lock."""
    ask = [python, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "coverage"]
    answer = subprocess.run(ask, capture_output=True, text=True)
    if f"coverage-{NEWER}" not in answer.stdout:
        sys.exit(f"pip has not seen the newer releases, so this run has shown nothing: {answer.stderr}")


if __name__ == "__main__":
    sys.exit(main())
