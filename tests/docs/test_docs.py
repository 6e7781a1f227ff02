"""The documents are true: what they link to and name is there, and each decision says what a decision has to."""

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    *("appmax", "observability", "web", "installations", "notifications", "orders"),
    *("webhooks", "status", "backoffice", "checkout_project"),
)
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
DECISIONS = re.findall(
    r"^## (\d+)\. (.*)\n\n((?:.|\n)*?)(?=\n## |\Z)", (ROOT / "docs" / "decisions.md").read_text(), re.M
)
WHAT_DJANGO_EXPECTS = {"apps.py", "urls.py", "views.py", "serializers.py", "openapi.py", "wsgi.py", "__init__.py"}

MADE_BY_USERS = {"ops/nginx/tls"}

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def anchors(path: Path) -> set[str]:
    """What the headings of a document are linked by, as GitHub makes it."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@documents
def test_every_link_leads_somewhere(path: Path) -> None:
    links = [link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()) if "://" not in link]

    assert [name for name, _, _ in links if not (path.parent / name).exists()] == []
    pages = [((path.parent / name) if name else path, anchor) for name, _, anchor in links if anchor]
    assert [anchor for page, anchor in pages if anchor not in anchors(page)] == []


@documents
def test_every_file_that_is_named_is_there(path: Path) -> None:
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", path.read_text())
    ours = [name for name in named if (ROOT / name.partition("/")[0]).is_dir() and name not in MADE_BY_USERS]

    assert [name for name in ours if not (ROOT / name).exists()] == []


def test_what_is_said_to_be_in_a_file_is_there() -> None:
    texts = [path.read_text() for path in DOCUMENTS]
    said = [found for text in texts for found in re.findall(r"`(\w+)`\s+in\s+`(\w[\w/-]*\.\w+)`", text)]

    assert len(said) > 5
    assert [(name, file) for name, file in said if not re.search(rf"\b{name}\b", (ROOT / file).read_text())] == []


def test_the_plan_names_every_module_of_every_room() -> None:
    modules = [path for room in ROOMS for path in (ROOT / room).glob("*.py") if path.name not in WHAT_DJANGO_EXPECTS]

    assert [str(path.relative_to(ROOT)) for path in modules if f"`{path.relative_to(ROOT)}`" not in ARCHITECTURE] == []


def test_the_plan_names_no_function_that_is_gone() -> None:
    named = set(re.findall(r"`(?:(\w+)\.)?(\w+)\.(\w+)`", ARCHITECTURE))
    functions = {name: homes for name in named if name[2] != "py" and (homes := _homes(name[0], name[1]))}

    assert len(functions) > 15
    assert [name for name, homes in functions.items() if not any(hasattr(home, name[2]) for home in homes)] == []


def _homes(room: str, module: str) -> list[ModuleType]:
    """The modules of that name: of this room, or of any."""
    names = [f"{each}.{module}" for each in ROOMS if room in ("", each) and (ROOT / each / f"{module}.py").exists()]
    return [importlib.import_module(name) for name in names]


def test_each_line_of_the_log_is_explained() -> None:
    """A row of the table names whole events, or those of a family: `order.*`, and then `created` and the others."""
    page = (ROOT / "docs" / "monitoring.md").read_text()
    rows = {name: row for row in page.splitlines() for name in re.findall(r"`([a-z_]+\.(?:[a-z_]+|\*))`", row)}
    sources = "".join(path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    events = re.findall(r'\b(?:log\.\w+|tell|line)\(\s*(?:log, )?"([a-z_]+)\.([a-z_]+)"', sources)

    assert len(set(events)) > 50
    missing = [(family, what) for family, what in events if f"{family}.{what}" not in rows]
    assert [each for each in missing if not re.search(rf"\b{each[1]}\b", rows.get(f"{each[0]}.*", ""))] == []


def test_the_decisions_are_numbered_one_after_the_other() -> None:
    assert [int(number) for number, _, _ in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize(("number", "title", "text"), DECISIONS, ids=lambda part: part[:40])
def test_a_decision_has_a_date_and_a_status_and_says_what_was_given_up(number: str, title: str, text: str) -> None:
    assert re.match(r"\*\d{4}-\d\d-\d\d, (in force|superseded on \d{4}-\d\d-\d\d by\s\[\d+\]\(#.*\))\.\*", text)
    assert "\n\n**Given up.** " in text
    assert len(text.splitlines()) <= 16


def test_a_decision_is_superseded_by_a_later_one() -> None:
    replaced = [(int(number), found) for number, _, text in DECISIONS if (found := re.search(r" by\s\[(\d+)\]", text))]

    assert replaced
    assert [number for number, found in replaced if int(found[1]) <= number] == []
