"""docs/database.md: what it tells an operator to ask is answered."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import CheckConstraint

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "database.md").read_text()
BLOCKS = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
APPS = ("backoffice", "installations", "notifications", "orders", "webhooks")
OURS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
DESCRIBED = {model._meta.db_table: re.escape(model._meta.db_table_comment) for model in OURS}
QUERIES = [query.strip() for block in BLOCKS for query in block.split(";") if query.strip()]


@pytest.mark.django_db
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: re.sub(r"\W+", " ", query)[:50])
def test_every_look_up_runs(query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)
        assert cursor.description


def test_every_table_is_described_as_in_the_database() -> None:
    assert [
        name for name, text in DESCRIBED.items() if not re.search(rf"^\| `{name}` \|.*\| {text} \|", TEXT, re.M)
    ] == []


def test_every_rule_of_the_database_is_named() -> None:
    rules = [rule.name for model in OURS for rule in model._meta.constraints if isinstance(rule, CheckConstraint)]

    assert [name for name in rules if f"`{name}`" not in TEXT] == []


def test_every_index_of_columns_is_listed() -> None:
    """Those of expressions are written in words of their own."""
    listed = TEXT.partition("## Indexes beyond the keys")[2].replace(" DESC", "")
    missing = []
    for model in OURS:
        columns = {field.name: str(field.column) for field in model._meta.concrete_fields}
        for index in model._meta.indexes:
            text = f"`{model._meta.db_table} ({', '.join(columns[name.lstrip('-')] for name in index.fields)})"
            if index.fields and text not in listed:
                missing.append(index.name)
    assert missing == []
