"""What the guides tell a reader to type works, and is answered as they say: against a live server and a simulated
Appmax. What starts, stops or fills whole stacks is only looked up in the Makefile; .ci/run and other tests run it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import get_commands, load_command_class
from django.db import connection

from installations.models import Installation
from simulator.server import SimulatorServer
from tests.support.factories import api_key

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
IN_WORDS = {"code", "status", "message", "reason", "errors"}  # answered literally; numbers and codes differ each time

# `make manage` speaks to the stack of `make run`; here to the test's. What a block sets is there in the next.
PRELUDE = f"""
set -eau -o pipefail
make() {{ for last; do :; done; eval "{shlex.quote(sys.executable)} manage.py ${{last#ARGS=}}"; }}
"""

Shell = Callable[[str], str]


@pytest.fixture
def shell(simulator: SimulatorServer, live_server: Any, settings: Any, tmp_path: Path) -> Shell:
    """Run a block as a reader would type it, and return what it printed."""
    settings.PUBLIC_URL = live_server.url
    simulator.state.webhook_url = f"{live_server.url}/webhooks/appmax"
    variables = tmp_path / "variables"
    environment = os.environ | {"APP": live_server.url, "APPMAX": simulator.url, "APP_ID": settings.APPMAX_APP_ID_UUID}
    environment["DB_DATABASE"] = connection.settings_dict["NAME"]

    def run(block: str) -> str:
        script = f"{PRELUDE}{block}\nenv -0 > {shlex.quote(str(variables))}\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        for line in variables.read_text().rstrip("\0").split("\0"):
            name, _, value = line.partition("=")
            environment[name] = value
        answer = json.loads(done.stdout) if done.stdout.strip().startswith("{") else {}
        environment.update({name: str(value) for name, value in answer.items()})  # "$order_id stands for ..."
        return done.stdout

    return run


def test_every_answer_of_the_api_guide_is_as_it_says(shell: Shell) -> None:
    blocks = BLOCKS.findall((ROOT / "docs" / "api.md").read_text())
    told = [json.loads(text) for language, text in blocks if language == "json"]
    answered = 0
    for (language, text), (next_language, expected) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language != "sh":
            continue
        printed = shell(text)
        if next_language == "json":
            assert _likeness(json.loads(printed)) == _likeness(json.loads(expected)), text
            answered += 1
    assert answered == len(told) > 15


RUNNERS = {"python": [sys.executable, "-c"], "js": ["node", "--input-type=module", "--eval"]}


@pytest.fixture(params=RUNNERS)
def program(request: pytest.FixtureRequest) -> list[str]:
    """How the guide's first program is run, in each language; CI requires all."""
    runner = RUNNERS[request.param]
    if not shutil.which(runner[0]):
        assert not os.environ.get("CI"), "CI needs Node.js: apt-get install nodejs"
        pytest.skip("Node.js is not installed")
    return [*runner, first_blocks()[request.param]]


def first_blocks() -> dict[str, str]:
    """What stands in the guide's first section, by language."""
    [section] = re.findall(r"^## From nothing .*?(?=^## )", (ROOT / "docs" / "api.md").read_text(), re.M | re.S)
    return {language: text for language, text in BLOCKS.findall(section) if language != "json"}


def test_a_first_order_takes_ten_lines_of_curl_or_thirty_of_a_program() -> None:
    lines = {language: len(text.splitlines()) for language, text in first_blocks().items()}

    assert lines.keys() == {"sh", *RUNNERS}
    assert lines.pop("sh") == 10
    assert max(lines.values()) <= 30


def test_the_guides_first_order_is_paid(
    shop: Installation, simulator: SimulatorServer, live_server: Any, program: list[str]
) -> None:
    """The test is the shopper, who pays when the program has printed the order's Pix."""
    simulator.state.webhook_url = f"{live_server.url}/webhooks/appmax"
    variables = {"APP": live_server.url, "KEY": shop.external_key, "API_KEY": api_key(shop)}

    with subprocess.Popen(program, env=os.environ | variables, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        printed = re.fullmatch(r"order (\d+): 000201.+\n", running.stdout.readline())
        assert printed
        requests.post(f"{simulator.url}/simulator/api/orders/{printed[1]}/pay", timeout=10).raise_for_status()
        said, _ = running.communicate(timeout=30)

    assert (running.returncode, said) == (0, "aprovado\n")


def test_the_guides_programs_stop_at_an_error_and_name_its_code(
    shop: Installation, live_server: Any, program: list[str]
) -> None:
    variables = {"APP": live_server.url, "KEY": shop.external_key, "API_KEY": "wrong"}

    done = subprocess.run(program, env=os.environ | variables, capture_output=True, text=True, timeout=30)

    assert done.returncode == 1
    assert "invalid_api_key: invalid or missing API key" in done.stderr


def goals() -> list[str]:
    """What the Makefile can do."""
    lines = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return [goal for line in lines for goal in line.split()]


GUIDES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", *(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]


@pytest.mark.parametrize("name", [*GUIDES, "CHANGELOG.md"])
def test_every_make_command_is_one(name: str) -> None:
    text = (ROOT / name).read_text()
    named = set(re.findall(r"(?:^|`)make (?:-s )?([a-z-]+)", text, re.MULTILINE))

    assert named - set(goals()) == set()


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_of_manage_py_is_one_and_has_the_options_that_are_named(name: str) -> None:
    for command, arguments in re.findall(r"manage\.py ([a-z_]+)([^`#\n]*)", (ROOT / name).read_text()):
        parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
        named = re.findall(r"--[a-z-]+", arguments)

        assert [option for option in named if option not in parser.format_help()] == [], command


def test_make_help_names_every_goal_once() -> None:
    printed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    named = re.findall(r"^  make ([a-z-]+) +\S", printed, re.MULTILINE)

    assert sorted(named) == sorted(goals())


def _likeness(value: Any, name: str = "") -> Any:
    """What must be the same each time: names, types, and the words that callers look at."""
    if isinstance(value, dict):
        return {key: _likeness(item, key) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [_likeness(item, name) for item in value]
    return value if name in IN_WORDS else type(value).__name__
