"""The version is pyproject.toml's, and whatever shows one shows that."""

import re
import tomllib
from pathlib import Path

from django.test import Client

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_api_says_it() -> None:
    assert f"version: {VERSION}\n" in Client().get("/api/schema").content.decode()


def test_the_newest_changes_are_under_it() -> None:
    assert re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] == VERSION


def test_the_image_has_it() -> None:
    assert "!pyproject.toml" in (ROOT / ".dockerignore").read_text().splitlines()
