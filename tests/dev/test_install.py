"""`make install`, with a `docker` that writes down what it is asked: there is no engine where the tests run."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from dev import install

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
URL = "https://checkout.example.com"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout, and a docker whose `up` fails if the file `broken` is there."""
    (tmp_path / ".env.example").write_text(EXAMPLE)
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        '#!/bin/sh\n[ "$*" = "compose version" ] && exit\necho "$*" >> asked\n'
        'case "$*" in *up*) [ ! -e broken ];; esac\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    return tmp_path


def values(dotenv: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.+)$", dotenv.read_text(), re.MULTILINE))


def test_it_builds_starts_waits_for_health_and_prints_the_urls(checkout: Path) -> None:
    assert install.main(checkout, {"APP_URL": URL}) == 0

    build, tag = [" ".join(command).removeprefix("docker ") for command in install.build()]
    assert (checkout / "asked").read_text().splitlines() == [
        build,
        tag,
        "compose up --detach --wait",
        "compose exec -T app python manage.py show_urls_for_appmax",
    ]


def test_the_image_has_a_label_and_a_tag_of_its_version_and_commit() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()

    build, tag = install.build()

    assert build[2:] == ["build", "--build-arg", f"VERSION={version}", "--build-arg", f"REVISION={commit}"]
    assert tag == ["docker", "image", "tag", "appmax-checkout", f"appmax-checkout:{version}-{commit}"]
    labels = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]  # of the last stage, which the image is
    assert "org.opencontainers.image.version=$VERSION" in labels
    assert "org.opencontainers.image.revision=$REVISION" in labels


def test_the_new_env_is_its_owners_only_and_holds_keys_that_production_takes(checkout: Path) -> None:
    install.main(checkout, {"APP_URL": URL})

    dotenv = checkout / ".env"
    made = values(dotenv)
    environment = {"PATH": os.environ["PATH"], "APP_ENV": "production", **made}
    check = [sys.executable, "manage.py", "check"]
    assert stat.S_IMODE(dotenv.stat().st_mode) == 0o600
    assert set(made) == {"APP_URL", *install.keys()}
    Fernet(made["FIELD_ENCRYPTION_KEYS"])
    assert subprocess.run(check, cwd=ROOT, env=environment, capture_output=True).returncode == 0


def test_every_install_has_keys_of_its_own() -> None:
    first, second = install.keys(), install.keys()

    assert all(first[name] != second[name] for name in first)


def test_an_env_that_is_there_is_never_overwritten(checkout: Path) -> None:
    (checkout / ".env").write_text("APP_KEY=mine\n")

    assert install.main(checkout, {"APP_URL": URL}) == 0

    assert (checkout / ".env").read_text() == "APP_KEY=mine\n"


@pytest.mark.parametrize("url", ["", "http://x.com", "https://", "https://x.com\nAPP_DEBUG=true", "https://$x"])
def test_without_a_public_https_address_nothing_is_made(checkout: Path, url: str) -> None:
    with pytest.raises(SystemExit, match="make install APP_URL=https://"):
        install.main(checkout, {"APP_URL": url})

    assert not (checkout / ".env").exists()
    assert not (checkout / "asked").exists()


def test_a_start_that_fails_ends_it_with_its_exit_code(checkout: Path) -> None:
    (checkout / "broken").touch()

    assert install.main(checkout, {"APP_URL": URL}) == 1

    assert "show_urls" not in (checkout / "asked").read_text()


@pytest.mark.parametrize("docker", [None, "#!/bin/sh\nexit 1\n"])
def test_without_docker_and_compose_nothing_is_made(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, docker: str | None
) -> None:
    program = checkout / "bin" / "docker"
    program.unlink() if docker is None else program.write_text(docker)
    monkeypatch.setenv("PATH", str(program.parent))

    with pytest.raises(SystemExit, match="docker compose is needed"):
        install.main(checkout, {"APP_URL": URL})

    assert not (checkout / ".env").exists()


def test_a_key_is_made_on_the_host() -> None:
    made = subprocess.run(
        ["make", "--no-print-directory", "key", "PYTHON=python3 -S"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    Fernet(made.stdout.strip())


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        ("migrate", "compose run --rm migrate"),
        ("logs", "compose logs --follow --tail 100"),
        ("down", "compose down"),
    ],
)
def test_the_makefile_has_the_seeds_commands(checkout: Path, target: str, asked: str) -> None:
    subprocess.run(["make", "-f", ROOT / "Makefile", target], cwd=checkout, check=True, capture_output=True)

    assert (checkout / "asked").read_text() == asked + "\n"
