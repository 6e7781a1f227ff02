"""docs/database.md: what it tells an operator to ask is answered."""

import re
from pathlib import Path

import pytest
from django.db import connection

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "database.md").read_text()
BLOCKS = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
QUERIES = [query.strip() for block in BLOCKS for query in block.split(";") if query.strip()]


@pytest.mark.django_db
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: re.sub(r"\W+", " ", query)[:50])
def test_every_look_up_runs(query: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query)
        assert cursor.description


def test_every_table_of_ours_is_described() -> None:
    tables = {name for name in connection.introspection.django_table_names() if not name.startswith("procrastinate_")}
    apart = ("django_", "auth_", "axes_", "otp_", "rest_framework_")

    assert [name for name in tables if not name.startswith(apart) and f"`{name}`" not in TEXT] == []
