"""What libraries show to staff is in Portuguese too: by Django's catalogues, by their own, or by ours for the rest."""

import re
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

FOLDER = Path(settings.BASE_DIR) / "web" / "locale_libraries" / "pt_BR" / "LC_MESSAGES"
PACKAGES = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "rest_framework_api_key",
]
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}")
SAME_IN_BOTH = {"%(class_name)s %(instance)s", "%(full_result_count)s total"}
# The libraries fill these in before they look them up, so that no translation is ever found.
NEVER_FOUND = {
    "The API key for {} is: {}. Please store it somewhere safe: you will not be able to see it again.",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    """Our catalogue of library strings."""
    with (FOLDER / "django.po").open("rb") as file:
        return read_po(file)


@pytest.mark.parametrize(
    ("text", "portuguese"),
    [
        ("Type to search", "Digite para buscar"),  # Unfold
        ("Select action to run", "Selecione a ação a executar"),
        ("Apply Filters", "Aplicar filtros"),
        ("From", "De"),  # its filters
        ("access attempts", "tentativas de acesso"),  # axes
        ("Please select a device.", "Selecione um dispositivo."),  # django_otp
        ("Expires", "Expira em"),  # rest_framework_api_key
        ("Filters", "Filtros"),  # Django
        ("Toggle sorting", "Alternar ordenação"),  # misspelt by Django
    ],
)
def test_staff_read_portuguese(text: str, portuguese: str) -> None:
    with translation.override("pt-br"):
        assert translation.gettext(text) == portuguese
    with translation.override("en"):
        assert translation.gettext(text) == text


def test_garbled_plurals_are_ours() -> None:
    """django_otp's own catalogue broke one sentence in two and called the halves singular and plural."""
    text = "Verification temporarily disabled because of %(failure_count)d failed attempt, please try again soon."
    with translation.override("pt-br"):
        one, many = (translation.ngettext(text, text.replace("attempt", "attempts"), number) for number in (1, 3))

    assert "1 tentativa malsucedida" in one % {"failure_count": 1}
    assert "3 tentativas malsucedidas" in many % {"failure_count": 3}


def test_every_entry_is_translated(catalogue: Catalog) -> None:
    assert [message.id for message in _entries(catalogue) if message.fuzzy or not _is_full(message)] == []


def test_placeholders_and_outer_spaces_are_kept(catalogue: Catalog) -> None:
    """Losing a placeholder breaks the page that fills it in."""
    wrong = [
        (original, text)
        for message in _entries(catalogue)
        for original, text in zip(_texts(message.id), _texts(message.string), strict=True)
        if _frame(original) != _frame(text)
    ]
    assert wrong == []


def test_the_compiled_catalogue_is_up_to_date(catalogue: Catalog) -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = read_mo(file)

    assert _translations(compiled) == _translations(catalogue)


@pytest.mark.parametrize("package", [name for name in PACKAGES if apps.is_installed(name)])
def test_nothing_of_an_installed_library_is_left_in_english(package: str) -> None:
    """Names what an upgrade has brought."""
    messages = _messages(package)
    with translation.override("pt-br"):
        english = {text for one, many in messages for text in _left(one, many)}

    assert english - SAME_IN_BOTH - NEVER_FOUND == set()


def test_messages_are_found_in_templates_and_code() -> None:
    """The search above is worth nothing if it finds nothing."""
    texts = {one for one, _ in _messages("unfold")}

    assert {"Type to search", "Welcome back to", "%(counter)s result", "Select value"} <= texts


def _messages(package: str) -> set[tuple[str, str | None]]:
    """The texts that a package has translated, each with its plural if it has one."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    found: set[tuple[str, str | None]] = set()
    for folder in map(Path, spec.submodule_search_locations):
        for path in folder.rglob("*"):
            is_part = not {"contrib", "plugins"} & {*path.relative_to(folder).parts}  # or else a package of its own
            if is_part and path.suffix in {".html", ".py", ".txt"}:
                found |= _messages_in(path)
    return found


def _messages_in(path: Path) -> set[tuple[str, str | None]]:
    text = path.read_text()
    if path.suffix != ".py":
        text = "\n".join(map(str.strip, templatize(text).splitlines()))  # Python, but for its indentation
    found: set[tuple[str, str | None]] = set()
    for _line, message, _comments, _context in extract("python", BytesIO(text.encode()), KEYWORDS):
        one, many = message[:2] if isinstance(message, tuple) else (message, None)
        found.add((one, many))
    return found


def _left(one: str, many: str | None) -> list[str]:
    """Those of a text's forms that stay as they are."""
    if many is None:
        return [one] if translation.gettext(one) == one else []
    return [text for text, number in ((one, 1), (many, 2)) if translation.ngettext(one, many, number) == text]


def _entries(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def _is_full(message: Message) -> bool:
    texts = _texts(message.string)
    return len(texts) == len(_texts(message.id)) and all(texts)


def _translations(catalogue: Catalog) -> list[tuple[list[str], list[str]]]:
    return sorted((_texts(message.id), _texts(message.string)) for message in _entries(catalogue))


def _texts(texts: str | list[str] | tuple[str, ...] | None) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts or [])


def _frame(text: str) -> tuple[list[str], str, str]:
    """What a translation must keep: the placeholders, and the spaces at both ends."""
    return sorted(PLACEHOLDER.findall(text)), text[: -len(text.lstrip())], text[len(text.rstrip()) :]
