"""`make mutation`: puts small faults into the rules that must not break. Each has to make a test fail.

mutmut makes the faults and runs the tests that touch them, in a copy of the project for each file under
`.data/mutation/`. It goes on where it was interrupted: `python -m dev.mutation orders/status.py`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from dev import services
from dev.test import ROOT, variables

TARGETS = {
    "orders/status.py": ["tests/orders/test_status.py"],
    "webhooks/payload.py": ["tests/webhooks/test_payload.py"],
    "webhooks/inbox.py": [
        f"tests/webhooks/test_{name}.py"
        for name in ("receiving", "log_lines", "waiting", "trust", "confirm", "who_posts", "repeat", "order_of_arrival")
    ]
    + ["tests/webhooks/test_retention.py", "tests/status/test_metrics.py"],
    "orders/checkout.py": [
        f"tests/orders/test_{name}.py"
        for name in ("checkout", "cards", "boletos", "after_sale", "one_charge", "idempotency")
    ],
    "appmax/answers.py": [
        f"tests/appmax/test_{name}.py"
        for name in ("answers", "documented", "instalments", "calls", "cards", "errors", "repeats")
    ],
    "appmax/instalments.py": ["tests/appmax/test_instalments.py"],
}
"""The files that faults are put into, and the tests that must notice."""

FOLDER = ROOT / ".data" / "mutation"
PACKAGES = (
    "appmax",
    "backoffice",
    "checkout_project",
    "dev",
    "installations",
    "notifications",
    "observability",
    "orders",
    "examples",
    "simulator",
    "status",
    "web",
    "webhooks",
)
COPIED = (*PACKAGES, "ops", "tests", "manage.py", "pyproject.toml")
MUTMUT = str(Path(sys.executable).with_name("mutmut"))


def main(files: list[str]) -> int:
    """Print each file's score and the faults that survived. Returns mutmut's exit code for the first failure."""
    with (
        services.temporary_folder() as folder,
        services.redis() as redis,
        services.postgres(folder / "pg", throw_away=True) as database,
    ):
        environment = os.environ | variables() | database.variables | redis.variables
        for file in files or TARGETS:
            copy = _copy(file)
            # One after the other, as they share a database.
            command = [MUTMUT, "run", "--max-children", "1"]
            if code := subprocess.run(command, cwd=copy, env=environment).returncode:
                return code
            command = [MUTMUT, "results", "--all", "true"]
            results = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=True)
            _report(file, results.stdout)
    return 0


def _copy(file: str) -> Path:
    """Copy the project as it is now, with mutmut's settings for this file. What mutmut knows of its last run stays."""
    copy = FOLDER / file.replace("/", "-").removesuffix(".py")
    copy.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, copy / name)
    with (copy / "pyproject.toml").open("a") as settings:
        settings.write(f"""
[tool.mutmut]
source_paths = {list(PACKAGES)}
only_mutate = ["{file}"]
also_copy = ["manage.py", "ops"]
pytest_add_cli_args_test_selection = {TARGETS[file]}
pytest_add_cli_args = ["--reuse-db", "-p", "no:cacheprovider", "-p", "no:randomly"]
process_isolation = "fork"
use_git_change_detection = false
timeout_constant = 20.0
timeout_multiplier = 2.0  # a fault that hangs costs a minute, not five
do_not_mutate_patterns = ["log\\\\.(info|warning|error)\\\\("]
""")
    return copy


def _report(file: str, results: str) -> None:
    outcomes = re.findall(r"^ *(\S+): (.+)$", results, re.MULTILINE)
    counts = Counter(outcome for _, outcome in outcomes)
    print(f"{file}: {counts['killed'] + counts['timeout']} of {len(outcomes)} faults noticed ({dict(counts)})")
    for name, outcome in outcomes:
        if outcome not in ("killed", "timeout"):
            print(f"  {outcome}: {name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
