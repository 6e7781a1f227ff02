"""The Portuguese texts are whole, and say one word for one thing (CONTRIBUTING.md, Words)."""

import re
from io import BytesIO

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo
from django.utils import translation
from django.utils.translation.template import templatize

from tests.support.words import OF_LIBRARIES, OF_THE_SHOP, OURS, ROOT, english, entries, texts

ROOMS = (
    *("appmax", "observability", "web", "installations", "notifications", "orders", "webhooks", "status"),
    *("backoffice", "checkout_project"),
)
KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None, "gettext_noop": None, "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}")
OURS_ONLY = [pytest.param(message, id=str(texts(message.id)[0])[:50]) for message in entries(OURS)]


def used() -> set[str]:
    """Every text in our code and pages."""
    found: set[str] = set()
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*")):
        if path.suffix not in {".py", ".html", ".txt"} or "migrations" in path.parts:
            continue
        text = path.read_text()
        if path.suffix != ".py":
            text = "\n".join(map(str.strip, templatize(text).splitlines()))  # Python, but for its indentation
        for _line, message, _comments, _context in extract("python", BytesIO(text.encode()), KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])
    return found


def test_every_text_is_translated_and_no_other() -> None:
    ours, in_code = {texts(message.id)[0] for message in entries(OURS)}, used()
    with translation.override("pt-br"):
        left = {text for text in in_code - ours if text and translation.gettext(text) == text}

    assert len(in_code) > 900
    assert ours - in_code == set()
    assert left == set()


def test_no_translation_is_empty_doubtful_or_loses_a_placeholder() -> None:
    assert [message.id for message in entries(OURS) if message.fuzzy or not all(texts(message.string))] == []
    assert [message.id for message in entries(OURS) if not _keeps_placeholders(message)] == []


def _keeps_placeholders(message: Message) -> bool:
    """Those of the plural, in each form; the singular may say one instead of the number."""
    wanted = set(PLACEHOLDER.findall(texts(message.id)[-1]))
    of_one = wanted if isinstance(message.id, str) else wanted & set(PLACEHOLDER.findall(texts(message.id)[0]))
    forms = [set(PLACEHOLDER.findall(text)) for text in texts(message.string)]
    return forms[-1] == wanted and all(of_one <= form <= wanted for form in forms)


def test_a_number_before_a_word_has_both_forms() -> None:
    """ "44 evento não processado" is what one form for all numbers comes to."""
    number = re.compile(r"%\((?:count|total|times|done)\)[sd] [a-zà-ÿ]{3,}")
    single = [
        message.id for message in entries(OURS) if isinstance(message.id, str) and number.search(str(message.string))
    ]

    assert [text for text in single if text not in FIXED_NUMBERS] == []


# The number of these is always great, or is followed by "of".
FIXED_NUMBERS = {
    "More than %(count)s payment attempts have failed today.",
    "Choose %(count)s days at most, none before the year 2000.",
    "Payments, no answer for %(count)s minutes",
    "Median of the newest %(count)s payments.",
    "%(done)s of %(total)s rows are written.",  # of more than five thousand
    "more than %(count)s %(name)s; narrow the list to see older ones",
}


def test_the_compiled_texts_are_up_to_date() -> None:
    with OURS.with_suffix(".mo").open("rb") as file:
        compiled = [message for message in read_mo(file) if message.id]

    assert _translations(compiled) == _translations(entries(OURS))


def _translations(messages: list[Message]) -> list[tuple[list[str], str, list[str]]]:
    """With the contexts, which the compiled file has as bytes."""
    contexts = [each.context.decode() if isinstance(each.context, bytes) else each.context for each in messages]
    return sorted(
        (texts(each.id), context or "", texts(each.string)) for each, context in zip(messages, contexts, strict=True)
    )


# --- one word for one thing ---


def glossary() -> list[tuple[str, list[str]]]:
    """Our word, and those that aren't used for the same thing."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Words\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)[1:]
    return [(ours.strip(), [word.strip() for word in others.split(",")]) for _english, ours, others in rows]


def sources() -> dict[str, list[str]]:
    """By name, the texts that Brazilians read."""
    found = {path.parents[3].name + "/" + path.name: path for path in (OURS, OF_LIBRARIES, OF_THE_SHOP)}
    read = {name: [text for each in entries(path) for text in texts(each.string)] for name, path in found.items()}
    for name in ("suporte.md", "api.pt-BR.md"):
        prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", " ", (ROOT / "docs" / name).read_text(), flags=re.DOTALL)
        read[name] = [" ".join(each.split()) for each in prose.split("\n\n")]
    return read


@pytest.mark.parametrize(("ours", "others"), glossary())
def test_one_word_is_used_for_one_thing(ours: str, others: list[str]) -> None:
    wrong = re.compile(rf"\b(?:{'|'.join(map(re.escape, others))})\b", re.IGNORECASE)

    assert [(name, text) for name, read in sources().items() for text in read if wrong.search(text)] == []


def test_the_table_is_read() -> None:
    assert len(glossary()) > 15
    assert ("forma de pagamento", ["meio de pagamento", "meios de pagamento", "método de pagamento"]) in glossary()


# --- how English is found ---


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<p>Pedido <b>Rejected</b></p>", ["rejected"]),
        ('<a title="Settled now">Ver</a><input placeholder="Search">', ["now", "search", "settled"]),
        ("<p>OutcomeUnknown</p>", ["outcomeunknown"]),
        ("<script>var name</script><code>order_paid</code><span class='material-symbols-outlined'>search</span>", []),
        ("<td>bVqb6be2</td>", []),
        ("<p>A Appmax recusou o pedido de 44 lojas. order_paid_by_pix</p>", []),
    ],
)
def test_english_is_found_where_a_reader_sees_it(page: str, words: list[str]) -> None:
    assert sorted(english(page)) == words
