"""`make audit`: asks PyPI and OSV for known vulnerabilities of all pinned packages.

Red for a vulnerability that isn't accepted below; in CI also if nothing could be audited, unless AUDIT_OFFLINE=1 says
that there is no way out from there. Elsewhere a service that is away makes nothing red. The last line says how many
packages were audited and how many were not.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("pypi", "osv")
LOCKS = ("requirements-dev.txt", "requirements-compose.txt")  # the developers' holds the product's packages too
ACCEPTED: dict[str, str] = {}  # id of a vulnerability: why it can't hurt here, and until when


def main() -> int:
    """The exit code: 1 if there is a vulnerability that isn't accepted, else 0."""
    answers = [ask(service) for service in SERVICES]
    must_audit = bool(os.environ.get("CI")) and os.environ.get("AUDIT_OFFLINE") != "1"
    lines, code = report(answers, ACCEPTED, must_audit=must_audit)
    print(*lines, sep="\n", flush=True)
    return code


def ask(service: str) -> list[dict[str, Any]]:
    """pip-audit's list of packages. It is empty, and a line goes to stderr, if the service can't be asked."""
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--progress-spinner", "off"]
    command += ["--format", "json", "--disable-pip", "--require-hashes"]
    for lock in LOCKS:
        command += ["--requirement", str(ROOT / lock)]
    result = subprocess.run(command, capture_output=True, text=True)
    try:
        found: list[dict[str, Any]] = json.loads(result.stdout)["dependencies"]
    except ValueError:
        print(f"{service}: {(result.stderr.splitlines() or ['no answer'])[-1]}", file=sys.stderr, flush=True)
        return []
    return found


def report(
    answers: list[list[dict[str, Any]]], accepted: dict[str, str], *, must_audit: bool = False
) -> tuple[list[str], int]:
    """The text to print and the exit code. With `must_audit` it is a failure if no service could be asked."""
    packages = {package["name"] for answer in answers for package in answer}
    audited = {package["name"] for answer in answers for package in answer if "vulns" in package}
    lines, refused = [], 0
    for name, version, number in sorted(
        {
            (package["name"], package["version"], vulnerability["id"])
            for answer in answers
            for package in answer
            for vulnerability in package.get("vulns", [])
        }
    ):
        reason = accepted.get(number)
        refused += reason is None
        lines.append(f"{name} {version}: {number} {f'accepted: {reason}' if reason else 'NOT ACCEPTED'}")
    if not audited:
        lines.append("NOTHING WAS AUDITED: no service with vulnerability data answered")
    counts = f"{len(audited)} packages audited, {len(packages - audited)} not"
    lines.append(f"{counts}, {refused} vulnerabilities not accepted")
    return lines, 1 if refused or (must_audit and not audited) else 0


if __name__ == "__main__":
    sys.exit(main())
