"""The demo shop's Portuguese is whole, and what is served is what was translated."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from examples import storefront

ROOT = Path(storefront.__file__).parent
FOLDER = ROOT / "locale" / "pt_BR" / "LC_MESSAGES"
HOW = [("**.py", "python"), ("templates/**.html", "jinja2")]  # as locale/babel.cfg has it
KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None}  # as the command in language.py has it
SAME_IN_BOTH = {"Total", "Boleto", "E-mail"}
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (FOLDER / "messages.po").open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Every text in the shop's code and pages."""
    return {str(message) for _, _, message, _, _ in extract_from_dir(ROOT, HOW, keywords=KEYWORDS)}


def test_every_text_is_translated_and_no_other(catalogue: Catalog, used: set[str]) -> None:
    assert len(used) > 150
    assert {message.id for message in catalogue if message.id} == used


def test_no_translation_is_empty_doubtful_or_still_english(catalogue: Catalog) -> None:
    poor = [message.id for message in catalogue if message.id and (not message.string or message.fuzzy)]
    english = {message.id for message in catalogue if message.id and message.id == message.string}

    assert poor == []
    assert english == SAME_IN_BOTH


def test_translations_keep_their_placeholders(catalogue: Catalog) -> None:
    for message in catalogue:
        assert sorted(PLACEHOLDER.findall(str(message.id))) == sorted(PLACEHOLDER.findall(str(message.string)))


def test_the_compiled_catalogue_is_up_to_date(catalogue: Catalog) -> None:
    with (FOLDER / "messages.mo").open("rb") as file:
        compiled = {message.id: message.string for message in read_mo(file) if message.id}

    assert compiled == {message.id: message.string for message in catalogue if message.id}
