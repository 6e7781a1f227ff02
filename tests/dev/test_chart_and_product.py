"""ops/helm and the product agree: variables, secrets, times, ports, connections, figures.

What Kubernetes does with the times:
- preStop is part of the grace period, and traffic may come until it is over:
  https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination,
  https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/
- a failed readiness probe takes a pod out of its Services, a failed liveness probe restarts it:
  https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
"""

import copy
import importlib
import json
import re
import secrets
import sys
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml
from cryptography.fernet import Fernet
from django.conf import settings
from django.urls import resolve

from dev import chart
from tests.support import fresh_process, gunicorn_conf
from tests.support.released import EXAMPLE, SMALLEST, WEB, changed, containers, of, pods, variables

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
OF_LIBRARIES = {"GUNICORN_CMD_ARGS", "PROMETHEUS_MULTIPROC_DIR"}
SECRETS = {
    "APP_KEY": secrets.token_urlsafe(50),
    "DB_PASSWORD": secrets.token_urlsafe(20),
    "REDIS_PASSWORD": secrets.token_urlsafe(20),
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "SEARCH_HASH_KEYS": secrets.token_urlsafe(32),
    "WEBHOOK_SECRET": secrets.token_urlsafe(24),
    "APPMAX_CLIENT_SECRET": secrets.token_urlsafe(20),
    "EMAIL_HOST_PASSWORD": secrets.token_urlsafe(20),
    "METRICS_TOKEN": secrets.token_urlsafe(20),
}

releases = pytest.mark.parametrize("values", [EXAMPLE, SMALLEST], ids=["example", "smallest"])


@releases
def test_only_variables_that_the_product_reads_are_set(values: dict[str, Any]) -> None:
    names = {name for container in containers(values).values() for name in variables(container)}

    assert "APP_URL" in names
    assert names - OF_LIBRARIES - VARIABLES == set()


def test_the_product_starts_with_the_variables_of_each_container(tmp_path: Path) -> None:
    values = changed("config.DB_HOST", "db.example.com")
    values["config"] |= {"REDIS_HOST": "redis.example.com", "APPMAX_TIMEOUT": "40"}
    for name, container in containers(values).items():
        told = {"APP_ENV": "production", **SECRETS, **variables(container)}  # APP_ENV is the image's
        folders = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        result = fresh_process.run(fresh_process.manage, "check", "--deploy", **(told | folders))

        assert result.returncode == 0, f"{name}: {result.stderr}"


@pytest.mark.parametrize("name", [*SECRETS, "DATABASE_URL", "REDIS_URL", "SENTRY_DSN", "APP_KEY_FILE"])
def test_a_secret_among_the_values_is_refused(name: str) -> None:
    for section in ("config", "migrate.config"):
        with pytest.raises(helm_python.HelmError, match=f"invalid propertyName '{name}'"):
            chart.render(changed(f"{section}.{name}", "value"))


@releases
def test_secrets_come_from_secrets_that_are_there_already(values: dict[str, Any]) -> None:
    assert of("Secret", values) == {} == of("ConfigMap", values)
    for container in containers(values).values():
        assert container["envFrom"] == [{"secretRef": {"name": values["secretName"]}}]
        assert set(variables(container)) & set(SECRETS) == set()


def test_the_migrations_alone_have_the_owners_password() -> None:
    owners = [name for name, each in containers(EXAMPLE).items() if "checkout-db-owner" in json.dumps(each)]

    assert owners == ["migrate, migrate"]
    assert variables(containers(EXAMPLE)["migrate, migrate"])["DB_USERNAME"] == "appmax_owner"
    assert "DB_USERNAME" not in variables(containers(EXAMPLE)["migrate, check"])


def test_certificates_are_verified_with_the_cas_that_are_mounted() -> None:
    for name, pod in pods(EXAMPLE).items():
        secret = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
        container = pod["containers"][0]
        folder = {
            each["mountPath"]: secret[each["name"]] for each in container["volumeMounts"] if each["name"] in secret
        }
        told = variables(container)

        assert (told["DB_SSLMODE"], told["REDIS_TLS"]) == ("verify-full", "true"), name
        assert folder[told["DB_SSLROOTCERT"].removesuffix("/ca.crt")] == "checkout-db-ca"
        assert folder[told["REDIS_SSLROOTCERT"].removesuffix("/ca.crt")] == "redis-ca"


@pytest.mark.parametrize("timeout", ["", "20", "40"])
def test_a_pod_that_ends_has_as_long_as_the_longest_payment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, timeout: str
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setenv("APPMAX_TIMEOUT", timeout)
    longest = gunicorn_conf.read()["graceful_timeout"]
    values = changed("config.APPMAX_TIMEOUT", timeout, EXAMPLE)

    for group in WEB:
        pod = pods(values)[group]
        sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["terminationGracePeriodSeconds"] == sleep + longest + 10
        annotations = of("Ingress", values)[group]["metadata"]["annotations"]
        assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == str(longest + 5)
    rules = of("HTTPRoute", values)["web"]["spec"]["rules"]
    assert [rule["timeouts"]["request"] for rule in rules] == [f"{longest + 5}s"] * 2


def test_a_worker_that_ends_has_as_long_as_its_jobs() -> None:
    jobs = settings.PROCRASTINATE_WORKER_DEFAULTS["shutdown_graceful_timeout"]

    assert pods(SMALLEST)["worker"]["terminationGracePeriodSeconds"] > jobs


def test_gunicorn_keeps_a_proxys_connections_as_long_as_it_is_told() -> None:
    """The variable must win over gunicorn.conf.py."""
    told = variables(containers(changed("web.keepAlive", 99))["app, web"])["GUNICORN_CMD_ARGS"]
    result = fresh_process.run(print_keepalive, GUNICORN_CMD_ARGS=told, **SECRETS)

    assert result.stdout == "99"


def print_keepalive() -> None:
    from gunicorn.app.wsgiapp import WSGIApplication

    sys.argv = ["gunicorn", "-c", "gunicorn.conf.py"]
    sys.stdout.write(str(WSGIApplication().cfg.keepalive))


@releases
def test_probes_ask_what_is_there(values: dict[str, Any]) -> None:
    for group in WEB:
        web = pods(values)[group]["containers"][0]
        asked = {each: web[f"{each}Probe"]["httpGet"] for each in ("startup", "liveness", "readiness")}
        assert {each: resolve(get["path"]).url_name for each, get in asked.items()} == {
            "startup": "health",
            "liveness": "health",
            "readiness": "ready",
        }
        assert {get["port"] for get in asked.values()} == {web["ports"][0]["name"]} == {"http"}
        assert web["ports"][0]["containerPort"] == settings.APP_PORT == 8080
    worker = pods(values)["worker"]["containers"][0]
    probe = worker["livenessProbe"]["exec"]["command"]
    assert probe == worker["startupProbe"]["exec"]["command"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["worker"]
    assert ["CMD", *probe] == compose["healthcheck"]["test"]


@pytest.mark.parametrize(
    ("most", "processes", "web", "workers"), [(90, 2, 2, 2), (90, 1, 6, 2), (200, 2, 6, 4), (500, 4, 20, 8)]
)
def test_all_pods_together_open_no_more_connections_than_there_are(
    most: int, processes: int, web: int, workers: int
) -> None:
    values = changed("database.maxConnections", most)
    values["web"] = {"processes": processes}
    values |= {"app": {"maxReplicas": web}, "quick": {"replicas": web, "maxReplicas": 1}}
    values["worker"] = {"maxReplicas": workers, "scaling": {"prometheus": "http://prometheus"}}
    told = variables(containers(values)["app, web"])

    result = fresh_process.run(print_pool, APP_ENV="production", **SECRETS, **told)
    of_each, of_a_worker = json.loads(result.stdout)

    assert of_each >= processes
    starting_and_ending = 2 * len(WEB)
    taken = (2 * web + starting_and_ending) * of_each + (workers + 1) * of_a_worker
    assert taken + 2 <= most
    assert taken + 2 > most - (2 * web + starting_and_ending) * processes  # and wastes less than one for each process


def print_pool() -> None:
    found = importlib.import_module("checkout_project.settings")
    pool = found.DATABASES["default"]["OPTIONS"]["pool"]
    sys.stdout.write(json.dumps([pool["max_size"] * found.WEB_CONCURRENCY, found.JOB_CONCURRENCY + 4]))


def test_too_few_connections_end_the_rendering() -> None:
    with pytest.raises(helm_python.HelmError, match="of 38 connections, 23 are for workers and migrations"):
        chart.render(changed("database.maxConnections", 38))


@pytest.mark.django_db
def test_keda_asks_for_figures_that_there_are() -> None:
    from status import metrics  # not above: fresh processes import this module, and have no settings yet

    triggers = of("ScaledObject", EXAMPLE)["worker"]["spec"]["triggers"]
    asked = {re.match(r"max\((\w+)\{", each["metadata"]["query"])[1] for each in triggers}  # type: ignore[index]

    assert asked == {"checkout_webhooks_waiting", "checkout_notifications_waiting"}
    assert asked <= {family.name for family in metrics.Backlog().collect()}


@pytest.mark.parametrize(
    ("told", "port"),
    [({}, 587), ({"EMAIL_SECURITY": "tls"}, 465), ({"EMAIL_SECURITY": "none"}, 25), ({"EMAIL_PORT": "2525"}, 2525)],
)
def test_the_port_for_mail_is_the_one_that_the_settings_take(told: dict[str, str], port: int) -> None:
    config = {"EMAIL_HOST": "smtp.example.com", "EMAIL_FROM": "a@example.com", **told}
    values = copy.deepcopy(SMALLEST)
    values["config"] |= config

    [_, mail] = of("NetworkPolicy", values)["outside"]["spec"]["egress"]
    result = fresh_process.run(print_email_port, APP_ENV="production", **SECRETS, **values["config"])

    assert [each["port"] for each in mail["ports"]] == [port]
    assert result.stdout == str(port)


def print_email_port() -> None:
    sys.stdout.write(str(importlib.import_module("checkout_project.settings").EMAIL_PORT))
