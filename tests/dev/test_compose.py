"""docker-compose.yml: what Compose makes of it, and what every service must have."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import compose, install

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
WEB = ("app", "quick")
PRODUCT = ("migrate", *WEB, "worker")


@pytest.fixture
def rendered(tmp_path: Path) -> dict[str, Any]:
    """The services as Compose sees them, with an `.env` as `make install` writes it and one more line."""
    if compose.program() is None:
        pytest.skip("Docker Compose is not installed")
    install.write_dotenv(tmp_path / ".env", (ROOT / ".env.example").read_text(), "https://checkout.example.com")
    with (tmp_path / ".env").open("a") as file:
        file.write("LOG_LEVEL=WARNING\nAPP_PORT=9000\nDB_HOST=elsewhere\n")
    result = compose.configuration(tmp_path)
    assert result.returncode == 0, result.stderr
    services: dict[str, Any] = yaml.safe_load(result.stdout)["services"]
    return services


@pytest.mark.parametrize("name", PRODUCT)
def test_the_product_gets_every_variable_of_the_env_file(rendered: dict[str, Any], name: str) -> None:
    environment = rendered[name]["environment"]
    example = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert set(example) - set(environment) == set()
    assert environment["LOG_LEVEL"] == "WARNING"
    assert len(environment["WEBHOOK_SECRET"]) > 20


def test_what_the_containers_need_is_fixed(rendered: dict[str, Any]) -> None:
    environment = rendered["app"]["environment"]
    fixed = {name: environment[name] for name in ("APP_ENV", "APP_PORT", "DB_HOST", "REDIS_HOST", "TRUSTED_PROXIES")}

    assert fixed == {
        "APP_ENV": "production",
        "APP_PORT": "8080",
        "DB_HOST": "postgres",
        "REDIS_HOST": "redis",
        "TRUSTED_PROXIES": "1",
    }
    assert environment["NGROK_AUTHTOKEN"] == ""
    ports = {name: (rendered[name]["ports"][0]["host_ip"], rendered[name]["ports"][0]["published"]) for name in WEB}
    assert ports == {"app": ("127.0.0.1", "9000"), "quick": ("127.0.0.1", "8082")}


@pytest.mark.parametrize(
    "name",
    [
        "APP_KEY",
        "APP_URL",
        "REDIS_PASSWORD",
        "FIELD_ENCRYPTION_KEYS",
        "SEARCH_HASH_KEYS",
        "WEBHOOK_SECRET",
    ],
)
def test_a_secret_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    if compose.program() is None:
        pytest.skip("Docker Compose is not installed")
    install.write_dotenv(tmp_path / ".env", (ROOT / ".env.example").read_text(), "https://checkout.example.com")
    text = (tmp_path / ".env").read_text()
    (tmp_path / ".env").write_text(re.sub(rf"^{name}=.*$", f"{name}=", text, flags=re.MULTILINE))

    result = compose.configuration(tmp_path, "--quiet")

    assert result.returncode != 0
    assert f"set {name}" in result.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(line.startswith("/tmp") for line in service["tmpfs"])  # noqa: S108 - in the container
    assert "max-size" in service["logging"]["options"]


def test_the_web_and_the_worker_start_after_the_migrations() -> None:
    for name in (*WEB, "worker"):
        conditions = {on: how["condition"] for on, how in SERVICES[name]["depends_on"].items()}
        assert conditions == {
            "postgres": "service_healthy",
            "redis": "service_healthy",
            "migrate": "service_completed_successfully",
        }


def test_whatever_up_waits_for_has_a_health_check_or_ends() -> None:
    """`up --wait` of a Compose before 5.0.2 fails at a service whose image has a health check that is switched off."""
    ends = {on for service in SERVICES.values() for on, how in service.get("depends_on", {}).items()
            if how["condition"] == "service_completed_successfully"}  # fmt: skip
    switched_off = {name for name, service in SERVICES.items() if service.get("healthcheck", {}).get("disable")}

    assert switched_off == ends == {"migrate"}
    assert SERVICES["worker"]["healthcheck"]["test"][-2:] == ["observability/probe.py", "worker"]


def test_the_databases_password_may_be_in_a_file_alone(tmp_path: Path) -> None:
    if compose.program() is None:
        pytest.skip("Docker Compose is not installed")
    install.write_dotenv(tmp_path / ".env", (ROOT / ".env.example").read_text(), "https://checkout.example.com")
    text = re.sub(r"^DB_PASSWORD=.*$", "DB_PASSWORD=", (tmp_path / ".env").read_text(), flags=re.MULTILINE)
    (tmp_path / ".env").write_text(f"{text}\nDB_PASSWORD_FILE={tmp_path}/password\n")
    (tmp_path / "password").write_text("of-the-app")

    result = compose.configuration(tmp_path)

    assert result.returncode == 0, result.stderr
    rendered = yaml.safe_load(result.stdout)
    inside = rendered["services"]["app"]["secrets"][0]["target"]
    assert rendered["secrets"]["db_password"]["file"] == f"{tmp_path}/password"
    for name in ("app", "quick", "worker", "postgres"):
        environment = rendered["services"][name]["environment"]
        assert (environment["DB_PASSWORD"], environment["DB_PASSWORD_FILE"]) == ("", inside)
        assert rendered["services"][name]["secrets"][0]["source"] == "db_password"
    migrate = rendered["services"]["migrate"]["environment"]
    assert migrate["DB_PASSWORD"]  # the owner's
    assert migrate["DB_PASSWORD_FILE"] == ""


def test_both_groups_of_the_web_know_that_they_are_two(rendered: dict[str, Any]) -> None:
    """Each takes its share of the database's connections, whatever the .env file says of groups."""
    assert {rendered[name]["environment"]["WEB_GROUPS"] for name in WEB} == {"2"}
    assert set(SERVICES["nginx"]["depends_on"]) == set(WEB)


def test_one_image_serves_web_worker_and_migrations() -> None:
    assert {SERVICES[name]["image"] for name in PRODUCT} == {"appmax-checkout"}
    assert [name for name in PRODUCT if "build" in SERVICES[name]] == ["migrate"]  # each would be an image of its own
    assert (SERVICES["postgres"]["image"], SERVICES["redis"]["image"]) == ("postgres:16-alpine", "redis:7-alpine")


def test_nginx_and_ngrok_are_started_on_request_only() -> None:
    assert {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service} == {
        "nginx": ["nginx"],
        "ngrok": ["ngrok"],
    }


def test_every_service_has_limits_of_memory_and_processes(rendered: dict[str, Any]) -> None:
    assert {
        name for name, service in rendered.items() if service.get("mem_limit") and service.get("pids_limit")
    } == set(rendered)


def test_the_password_of_redis_is_in_no_list_of_processes(rendered: dict[str, Any], tmp_path: Path) -> None:
    """The service's own command, with a `redis-server` that shows what it was given."""
    service = rendered["redis"]
    password = service["environment"]["REDISCLI_AUTH"]
    (tmp_path / "redis-server").write_text('#!/bin/sh\necho "$*"; cat "$1"; stat -c %a "$1"\n')
    (tmp_path / "redis-server").chmod(0o755)
    conf = "/tmp/redis.conf"  # noqa: S108 - in the container
    command = [word.replace("$$", "$").replace(conf, str(tmp_path / "conf")) for word in service["command"]]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "REDISCLI_AUTH": password}

    arguments, line, mode = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert password not in " ".join(service["command"]) + arguments
    assert arguments.endswith("--maxmemory 128mb --maxmemory-policy allkeys-lru --stop-writes-on-bgsave-error no")
    assert (line, mode) == (f'requirepass "{password}"', "600")
