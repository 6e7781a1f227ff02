"""What a reader sees of a page, and which of its words are English."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "web" / "locale" / "pt_BR" / "LC_MESSAGES" / "django.po"
OF_LIBRARIES = ROOT / "web" / "locale_libraries" / "pt_BR" / "LC_MESSAGES" / "django.po"
OF_THE_SHOP = ROOT / "examples" / "storefront" / "locale" / "pt_BR" / "LC_MESSAGES" / "messages.po"

SHOWN_ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "data-label", "data-done")
HIDDEN = {"script", "style", "template", "svg", "code", "pre"}  # what is typed into programs has the programs' words
EMPTY = {"br", "img", "input", "meta", "link", "hr", "col", "wbr", "source", "area", "base", "embed", "track", "param"}

PLACEHOLDER = re.compile(
    r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}|<[^>]*>|&\w+;|https?://\S+|\S+@\S+|\b\w*_\w+|/\S+|\bshop-\d+|\b[a-z]+\.[a-z]\w*|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b(?:[A-Z][a-z]+){2,}\b|\.env\b"
)
_ERRORS_NAME = re.compile(r"\b[A-Z]\w+(?:Error|Unknown|Refused|Unavailable|Unreadable|NotFound|Timeout)\b")
WORD = re.compile(r"\b[A-Za-zÀ-ÿ]+\b(?:['’][a-z]+)?")  # a key such as bVqb6be2 has no words

# Django and its admin say these where no catalogue of ours has them, and our code calls things so.
_MORE_ENGLISH = """
    name names user users can add adds change changes view delete deleted entry entries group groups permission
    permissions content type types session sessions rejected settled succeeded declined unknown started failed outcome
    unavailable installation installations installment retry error errors none yes true false password username first
    last active staff superuser date joined important dates save continue editing required choose search filter filters
    page next previous today yesterday finance support administrator refused waiting applied ignored duplicate
    acknowledged closed superseded refuted asked confirmed pending device devices now
"""
# English words that Portuguese has too (out. is a month), that people in Brazil say, or that are names.
_ALSO_PORTUGUESE = """
    a as o os e do no me se com sim data out total status online link links login web site sites chargeback pix boleto
    boletos upsell webhook webhooks token tokens app apps sandbox hash worker payload endpoint endpoints log api url
    urls id ids uuid csv xlsx json cpf cnpj html http https get post ip e-mail mail qr code pdf admin host proxy client
    secret email menu volume real salvar appmax checkout english control command copia cola emv
    ascii png slack teams chat test rg cvv
"""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hidden: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if not self.hidden:
            self.texts += [given[name] for name in SHOWN_ATTRIBUTES if given.get(name)]
            if tag == "input" and given.get("type") in ("submit", "button"):
                self.texts.append(given.get("value", ""))
        if tag in EMPTY:
            return
        is_icon = "material-symbols" in given.get("class", "")
        if self.hidden or tag in HIDDEN or is_icon or given.get("translate") == "no" or given.get("lang") == "en":
            self.hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.hidden and tag in self.hidden:
            while self.hidden.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self.hidden and data.strip():
            self.texts.append(" ".join(data.split()))


def visible(page: str) -> list[str]:
    """The texts of a page that its reader sees or has read aloud: also titles, labels and placeholders."""
    reader = _Reader()
    reader.feed(page)
    return reader.texts


def english(page: str) -> dict[str, str]:
    """The English words of our vocabulary that a page shows, each with a text that has it."""
    found: dict[str, str] = {}
    for text in visible(page):
        for word in _words(text) & vocabulary():
            found.setdefault(word, text)
        for word in _ERRORS_NAME.findall(text):
            found.setdefault(word.lower(), text)
    return found


@cache
def vocabulary() -> frozenset[str]:
    """The words of the English texts that no Portuguese text has."""
    messages = [message for path in (OURS, OF_LIBRARIES, OF_THE_SHOP) for message in entries(path)]
    of_ids = {word for message in messages for text in texts(message.id) for word in _words(text)}
    translated = [message for message in messages if message.id != message.string]
    of_strings = {word for message in translated for text in texts(message.string) for word in _words(text)}
    return frozenset((of_ids - of_strings | {*_MORE_ENGLISH.split()}) - {*_ALSO_PORTUGUESE.split()})


def entries(path: Path) -> list[Message]:
    """The entries of a catalogue, without its head."""
    with path.open("rb") as file:
        return [message for message in read_po(file) if message.id]


def texts(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    """A text, or its singular and plural."""
    return [text] if isinstance(text, str) else list(text or [])


def _words(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(PLACEHOLDER.sub(" ", text)) if len(word) > 1}
