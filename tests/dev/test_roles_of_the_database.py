"""The web's role reads and writes rows, and nothing else; migrations have one of their own. ops/postgres/roles.sh makes
both, and on Kubernetes the cluster in docs/deploy.md does."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from django.db import connection
from psycopg import sql

from dev import services

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()


@pytest.fixture
def variables() -> Iterator[dict[str, str]]:
    """A new database with the two roles, as the image makes them in Compose."""
    name = f"roles_{secrets.token_hex(4)}"
    found = {
        "POSTGRES_USER": services.SUPERUSER,
        "POSTGRES_DB": name,
        "DB_OWNER": f"{name}_owner",
        "DB_OWNER_PASSWORD": "owner's",
        "DB_USERNAME": f"{name}_app",
        "DB_PASSWORD": "the app's",
    }
    host = str(connection.settings_dict["HOST"])
    with psycopg.connect(host=host, user=services.SUPERUSER, dbname="postgres", autocommit=True) as postgres:
        postgres.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield {**found, "PGHOST": host}
        finally:
            postgres.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for role in (found["DB_OWNER"], found["DB_USERNAME"]):
                postgres.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def run(*command: str, **variables: str) -> None:
    subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=True, capture_output=True)


def as_in_compose(variables: dict[str, str]) -> None:
    path = f"{services.PROGRAMS}:{os.environ['PATH']}"
    for _ in range(2):  # it may be run again
        run("sh", "ops/postgres/roles.sh", **variables, PATH=path)


def as_on_kubernetes(variables: dict[str, str]) -> None:
    """What CloudNativePG does with the cluster in docs/deploy.md: the owner and its database first, then the
    statements, by the superuser."""
    [text] = re.findall(r"^ *apiVersion: postgresql\.cnpg\.io/v1\n(?:.+\n)+?(?= *```)", DEPLOY, re.MULTILINE)
    cluster = yaml.safe_load(text)["spec"]["bootstrap"]["initdb"]
    names = {cluster["owner"]: variables["DB_OWNER"], "appmax": variables["DB_USERNAME"]}
    host, name = variables["PGHOST"], variables["POSTGRES_DB"]
    with psycopg.connect(host=host, user=services.SUPERUSER, dbname=name, autocommit=True) as postgres:
        postgres.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(variables["DB_OWNER"])))
        owned = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        postgres.execute(owned.format(sql.Identifier(name), sql.Identifier(variables["DB_OWNER"])))
        for statement in cluster["postInitSQL"] + cluster["postInitApplicationSQL"]:
            postgres.execute(re.sub(r"\b(appmax\w*)\b", lambda found: names[found[1]], statement))


@pytest.mark.django_db
@pytest.mark.parametrize("make", [as_in_compose, as_on_kubernetes])
def test_the_webs_role_writes_rows_and_can_change_no_table(
    variables: dict[str, str], make: Callable[[dict[str, str]], None]
) -> None:
    make(variables)
    owner = {"DB_DATABASE": variables["POSTGRES_DB"], "DB_USERNAME": variables["DB_OWNER"], "DB_PASSWORD": "x"}
    run(sys.executable, "manage.py", "migrate", "--verbosity", "0", **owner)
    app = owner | {"DB_USERNAME": variables["DB_USERNAME"]}
    run(sys.executable, "manage.py", "create_api_key", "--name", "shop", **app)
    run(sys.executable, "manage.py", "reconcile_orders", **app)

    host, name, user = (variables[each] for each in ("PGHOST", "POSTGRES_DB", "DB_USERNAME"))
    with psycopg.connect(host=host, dbname=name, user=user, autocommit=True) as web:
        assert web.execute("SELECT count(*) FROM api_keys").fetchone() == (1,)
        for forbidden in (
            "CREATE TABLE mine (id int)",
            "DROP TABLE orders",
            "ALTER TABLE orders DISABLE TRIGGER ALL",
            "TRUNCATE api_keys",
            "CREATE ROLE mine SUPERUSER",
            "COPY orders TO PROGRAM 'cat'",
            "SELECT pg_read_file('/etc/passwd')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(forbidden)


@pytest.mark.django_db
def test_the_apps_password_may_be_in_a_file(variables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "password").write_text("of-the-app\n")

    as_in_compose(variables | {"DB_PASSWORD": "", "DB_PASSWORD_FILE": str(tmp_path / "password")})

    with psycopg.connect(host=variables["PGHOST"], user=services.SUPERUSER, dbname="postgres") as postgres:
        query = "SELECT rolpassword LIKE 'SCRAM-SHA-256$%%' FROM pg_authid WHERE rolname = %s"
        assert postgres.execute(query, [variables["DB_USERNAME"]]).fetchone() == (True,)  # a blank one is null


@pytest.mark.django_db
def test_without_a_password_of_the_app_it_says_so(variables: dict[str, str]) -> None:
    as_in_compose(variables)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        as_in_compose(variables | {"DB_PASSWORD": ""})

    assert b"set DB_PASSWORD, or DB_PASSWORD_FILE" in caught.value.stderr
