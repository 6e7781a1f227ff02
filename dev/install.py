"""`make install`: makes .env with new keys, builds the image, starts the services, and prints the URLs for Appmax.

It uses the standard library only, because it runs before anything is installed. It needs Docker with Compose 2.20 or
newer.
"""

import base64
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ["docker", "compose"]
START = [
    [*COMPOSE, "up", "--detach", "--wait"],  # migrates once, then waits until the web says that it is healthy
    [*COMPOSE, "exec", "-T", "app", "python", "manage.py", "show_urls_for_appmax"],
]


def main(root: Path, environment: Mapping[str, str]) -> int:
    """The exit code of the first command that failed, or 0. Raises SystemExit with one line, and makes nothing, if
    APP_URL or docker is missing."""
    require_docker()
    dotenv = root / ".env"
    if dotenv.exists():
        print(f"{dotenv} is kept as it is", flush=True)
    else:
        write_dotenv(dotenv, (root / ".env.example").read_text(), environment.get("APP_URL", ""))
        print(f"{dotenv} has keys of its own now: keep a copy in a safe place, apart from the database's", flush=True)
    for command in [*build(), *START]:
        print("+", *command, flush=True)
        if code := subprocess.run(command, cwd=root).returncode:
            return code
    return 0


def build() -> list[list[str]]:
    """The commands that build the image, labelled and tagged with its version and, in a checkout, its commit. The tag
    stays when a later build takes the name, so that there is an image to go back to."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None  # noqa: S101 - ours has one # nosec B101
    try:
        git = ["git", "rev-parse", "--short", "HEAD"]
        revision = subprocess.run(git, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    except FileNotFoundError:
        revision = ""
    labels = {"VERSION": version[1], "REVISION": revision.strip() or "unknown"}
    arguments = [word for name, value in labels.items() for word in ("--build-arg", f"{name}={value}")]
    return [
        [*COMPOSE, "build", *arguments],
        ["docker", "image", "tag", "appmax-checkout", f"appmax-checkout:{'-'.join(labels.values())}"],
    ]


def require_docker() -> None:
    """Raises SystemExit with one line if there is no docker, or none with Compose."""
    try:
        found = not subprocess.run([*COMPOSE, "version"], capture_output=True).returncode
    except FileNotFoundError:
        found = False
    if not found:
        raise SystemExit("docker compose is needed, and isn't here: install Docker with Compose 2.20 or newer")


def write_dotenv(dotenv: Path, example: str, app_url: str) -> None:
    """Write the example with APP_URL and new keys filled in. Only the owner can read the file, and an existing file is
    never overwritten."""
    if not re.fullmatch(r"https://[^\s/'\"$]+/?", app_url):
        raise SystemExit("say under which public address: make install APP_URL=https://checkout.example.com")
    text = example
    for name, value in {"APP_URL": app_url, **keys()}.items():
        text, found = re.subn(rf"^{name}=$", f"{name}={value}", text, flags=re.MULTILINE)
        if found != 1:
            raise SystemExit(f".env.example has no line {name}=")
    with open(os.open(dotenv, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def keys() -> dict[str, str]:
    """New values of all secrets that a production start needs, made of letters, digits, - _ and = only."""
    return {
        "APP_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": fernet_key(),
        "SEARCH_HASH_KEYS": secrets.token_urlsafe(32),
        "DB_PASSWORD": secrets.token_urlsafe(24),
        "DB_OWNER_PASSWORD": secrets.token_urlsafe(24),
        "REDIS_PASSWORD": secrets.token_urlsafe(24),
        "WEBHOOK_SECRET": secrets.token_urlsafe(24),
        "METRICS_TOKEN": secrets.token_urlsafe(24),
    }


def fernet_key() -> str:
    """A new key for FIELD_ENCRYPTION_KEYS, as cryptography's Fernet makes it."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


if __name__ == "__main__":
    sys.exit(main(ROOT, os.environ))
