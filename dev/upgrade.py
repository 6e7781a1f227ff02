"""`make upgrade`: a new version on a machine that runs one.

It builds, checks and migrates while the old web answers, and replaces containers only then, one group of the web after
the other. If a step fails, it stops there and says so. It uses the standard library only, and needs Docker with Compose
2.20 or newer.
"""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from dev.install import COMPOSE, ROOT, build, require_docker

ONCE = [*COMPOSE, "run", "--rm", "--no-deps", "-T"]
# Not with --no-deps: to Compose 2.26 a service without its dependencies is described otherwise, and its next
# `up` then replaces the whole web at once (make containers has shown it).
REPLACE = [*COMPOSE, "up", "--detach", "--wait"]
BEFORE = {
    "checking the configuration with the new image": [*ONCE, "app", "python", "manage.py", "check", "--deploy"],
    "migrating, while the old web answers": [*ONCE, "migrate"],
}
AFTER = {
    "replacing the processes for webhooks and status reads": [*REPLACE, "quick"],
    "replacing the rest of the web": [*REPLACE, "app"],
    "replacing the worker": [*REPLACE, "worker"],
    "starting whatever else has changed": REPLACE,
}


def main(root: Path, now: datetime) -> int:
    """The exit code of the first command that failed, or 0. Raises SystemExit without docker, or if nothing runs."""
    require_docker()
    running = subprocess.run([*COMPOSE, "images", "--quiet", "app"], cwd=root, stdout=subprocess.PIPE, text=True)
    if running.returncode:
        return _failed("asking for the image that runs", running.returncode)
    if not running.stdout.strip():
        raise SystemExit("no web is there to be upgraded: make install starts one")
    older = f"appmax-checkout:until-{now:%Y%m%d-%H%M%S}"
    keep = {f"keeping the old image as {older}": ["docker", "image", "tag", running.stdout.split()[0], older]}
    new = dict(zip(("building the image", "naming it by its version"), build(), strict=True))
    for what, command in (keep | new | BEFORE | AFTER).items():
        print(f"{what}\n+", *command, flush=True)
        if code := subprocess.run(command, cwd=root).returncode:
            if what in new | BEFORE:  # the name is what any later `up` starts
                subprocess.run(["docker", "image", "tag", older, "appmax-checkout"], cwd=root)
            return _failed(what, code, is_replaced=what in AFTER)
    return 0


def _failed(what: str, code: int, *, is_replaced: bool = False) -> int:
    kept = "make logs shows why" if is_replaced else "nothing was replaced: the old version goes on"
    print(f"FAILED while {what}; {kept}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(ROOT, datetime.now(UTC)))
