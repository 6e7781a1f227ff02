"""`python -m dev.compose`: has Docker Compose parse docker-compose.yml with all its profiles. It needs no engine."""

import os
import subprocess
import sys
from pathlib import Path

from dev import install, services

ROOT = Path(__file__).resolve().parent.parent


def program() -> list[str] | None:
    """The command of Docker's plugin, or else of the program that dev/venv.py has put beside the packages; None if
    there is neither."""
    try:
        if not subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
            return ["docker", "compose"]
    except FileNotFoundError:
        pass
    installed = Path(sys.prefix) / "bin" / "docker-compose"
    return [str(installed)] if installed.exists() else None


def configuration(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `docker compose config` with nothing but the `.env` in `folder`. Raises SystemExit without Compose."""
    command = program()
    if command is None:
        raise SystemExit("Docker Compose is not installed")
    command += ["--file", str(ROOT / "docker-compose.yml"), "--project-directory", str(folder), "--profile", "*"]
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run([*command, "config", *arguments], env=path, capture_output=True, text=True)


def main() -> int:
    """Compose's exit code. Without Compose it is 0, and in CI 1."""
    if program() is None:
        print("docker-compose.yml is not checked: Docker Compose is not installed")
        return 1 if os.environ.get("CI") else 0
    with services.temporary_folder() as folder:
        example = (ROOT / ".env.example").read_text()
        install.write_dotenv(folder / ".env", example, "https://checkout.example.com")
        result = configuration(folder, "--quiet")
    print(result.stderr, end="", file=sys.stderr)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
