"""ops/helm: what Helm makes of it is what Kubernetes takes, fits together, and opens no more than it must."""

import re
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from dev import chart
from tests.support.released import EXAMPLE, SMALLEST, WEB, changed, containers, of, pods

ROOT = Path(__file__).resolve().parents[2]

releases = pytest.mark.parametrize("values", [EXAMPLE, SMALLEST], ids=["example", "smallest"])


@releases
def test_every_object_is_what_the_api_of_kubernetes_takes(values: dict[str, Any]) -> None:
    assert [fault for each in chart.render(values) if "." not in _group(each) for fault in chart.faults(each)] == []


def _group(found: dict[str, Any]) -> str:
    """The API's group, without the domain of Kubernetes' own."""
    return str(found["apiVersion"]).rpartition("/")[0].removesuffix(".k8s.io")


def test_a_misspelt_field_of_an_object_is_found() -> None:
    deployment = of("Deployment", SMALLEST)["app"]
    deployment["spec"]["template"]["spec"]["terminationGraceSeconds"] = 1

    assert len(chart.faults(deployment)) == len(chart.VERSIONS)


def test_only_operators_objects_have_no_schema() -> None:
    without = set()
    for each in chart.render(EXAMPLE):
        try:
            chart.faults(each)
        except kubernetes_validate.SchemaNotFoundError:
            without.add(each["kind"])

    assert without == {"HTTPRoute", "PodMonitor", "PrometheusRule", "ScaledObject", "ServiceMonitor"}


@releases
def test_helm_has_nothing_to_complain_of(values: dict[str, Any]) -> None:
    report = helm_python.lint(chart.CHART, values, strict=True)

    assert [each["error"] for each in report["messages"]] == ["icon is recommended"]


@releases
def test_every_pod_meets_the_restricted_standard(values: dict[str, Any]) -> None:
    for name, pod in pods(values).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
    for name, container in containers(values).items():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"]["cpu"]


def test_the_user_is_the_images() -> None:
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert user is not None
    for pod in pods(SMALLEST).values():
        found = pod["securityContext"]
        assert (found["runAsUser"], found["runAsGroup"]) == (int(user[1]), int(user[2]))


@releases
def test_whatever_selects_pods_selects_those_that_are_there(values: dict[str, Any]) -> None:
    labels = {name: each["spec"]["template"]["metadata"]["labels"] for name, each in of("Deployment", values).items()}

    for name, deployment in of("Deployment", values).items():
        assert deployment["spec"]["selector"]["matchLabels"] == labels[name]
    assert {name: each["spec"]["selector"] for name, each in of("Service", values).items()} == {
        group: labels[group] for group in WEB
    }
    for service in of("Service", values).values():
        assert service["spec"]["ports"][0]["targetPort"] == "http"  # as the probes' port
    budgets = {
        name: each["spec"]["selector"]["matchLabels"] for name, each in of("PodDisruptionBudget", values).items()
    }
    assert budgets == labels


def test_a_group_grows_only_if_it_may() -> None:
    assert of("HorizontalPodAutoscaler", SMALLEST) == {} == of("ScaledObject", SMALLEST)
    assert {each["spec"]["replicas"] for each in of("Deployment", SMALLEST).values()} == {2}

    grown = {name: each["spec"] for name, each in of("HorizontalPodAutoscaler", EXAMPLE).items()}
    assert {name: (each["minReplicas"], each["maxReplicas"]) for name, each in grown.items()} == {
        group: (EXAMPLE[group]["replicas"], EXAMPLE[group]["maxReplicas"]) for group in WEB
    }
    assert {each["scaleTargetRef"]["name"] for each in grown.values()} == {f"checkout-{group}" for group in WEB}
    assert of("ScaledObject", EXAMPLE)["worker"]["spec"]["scaleTargetRef"] == {"name": "checkout-worker"}
    # What grows isn't set back at each upgrade.
    assert [each["spec"].get("replicas") for each in of("Deployment", EXAMPLE).values()] == [None] * 3


def test_no_worker_is_taken_away_while_nobody_knows_how_much_waits() -> None:
    scaled = of("ScaledObject", EXAMPLE)["worker"]["spec"]

    # An empty answer is an error, of which three in a row mean the fallback.
    assert {each["metadata"]["ignoreNullValues"] for each in scaled["triggers"]} == {"false"}
    assert scaled["fallback"] == {
        "failureThreshold": 3,
        "replicas": EXAMPLE["worker"]["replicas"],
        "behavior": "currentReplicasIfHigher",
    }


def test_keda_needs_to_know_whom_to_ask() -> None:
    with pytest.raises(helm_python.HelmError, match=r"worker\.scaling\.prometheus"):
        chart.render(changed("worker.maxReplicas", 3))


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/webhooks/appmax", "quick"),
        ("/checkout/shop-1/status/123", "quick"),
        ("/checkout/a/b/status/123", "quick"),
        ("/checkout/shop-1/pay/pix", "app"),
        ("/checkout/shop-1/orders/123", "app"),
        ("/admin/", "app"),
        ("/install/start", "app"),
        ("/", "app"),
    ],
)
def test_each_proxy_sends_a_path_where_our_nginx_sends_it(path: str, group: str) -> None:
    ours = re.search(r"~(\S+) quick:8080;", (ROOT / "ops" / "nginx" / "nginx.conf").read_text())
    assert ours is not None
    assert bool(re.search(ours[1], path)) == (group == "quick")

    # Controllers try the longest expression first, and match from the beginning.
    places = [
        (place["path"], place["backend"]["service"]["name"])
        for ingress in of("Ingress", EXAMPLE).values()
        for place in ingress["spec"]["rules"][0]["http"]["paths"]
    ]
    longest_first = sorted(places, key=lambda place: -len(place[0]))
    assert next(name for each, name in longest_first if re.match(each, path)) == f"checkout-{group}"

    for rule in of("HTTPRoute", EXAMPLE)["web"]["spec"]["rules"]:
        if any(_fits(match["path"], path) for match in rule["matches"]):
            assert rule["backendRefs"][0]["name"] == f"checkout-{group}"
            break
    else:
        pytest.fail("no rule fits")


def _fits(match: dict[str, str], path: str) -> bool:
    if match["type"] == "RegularExpression":
        return bool(re.fullmatch(match["value"], path))
    return path == match["value"] or path.startswith(f"{match['value'].rstrip('/')}/")


@releases
def test_nothing_reaches_a_pod_or_leaves_it_but_what_is_named(values: dict[str, Any]) -> None:
    policies = {name: each["spec"] for name, each in of("NetworkPolicy", values).items()}
    ours = {"app.kubernetes.io/name": "appmax-checkout", "app.kubernetes.io/instance": "checkout"}

    assert policies["closed"] == {"podSelector": {"matchLabels": ours}, "policyTypes": ["Ingress", "Egress"]}
    for each in policies.values():
        for rule in each.get("ingress", []):
            assert rule["from"]
            assert rule["ports"]
        for rule in each.get("egress", []):
            assert rule["ports"]
    [rule] = policies["proxies"]["ingress"]
    assert rule["from"] == values["networkPolicy"]["proxies"] + values["networkPolicy"].get("prometheus", [])


def test_what_is_private_is_out_of_reach() -> None:
    rules = of("NetworkPolicy", EXAMPLE)["outside"]["spec"]["egress"]
    blocks = [peer["ipBlock"] for peer in rules[0]["to"]]

    assert "10.0.0.0/8" in blocks[0]["except"]
    assert "169.254.0.0/16" in blocks[0]["except"]  # where a cloud gives its machines credentials
    assert [[port["port"] for port in rule["ports"]] for rule in rules] == [[443], [587]]


def test_databases_on_several_ports_are_all_within_reach() -> None:
    rules = of("NetworkPolicy", changed("config.DB_PORT", "5432,5433"))["stores"]["spec"]["egress"]

    assert [[each["port"] for each in rule["ports"]] for rule in rules] == [[53, 53], [5432, 5433], [6379]]


def test_prometheus_finds_the_same_jobs_and_rules_as_without_kubernetes() -> None:
    jobs = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    [web] = of("ServiceMonitor", EXAMPLE)["web"]["spec"]["endpoints"]
    [worker] = of("PodMonitor", EXAMPLE)["worker"]["spec"]["podMetricsEndpoints"]

    assert [each["relabelings"][0]["replacement"] for each in (web, worker)] == [job["job_name"] for job in jobs]
    assert web["authorization"]["credentials"] == {"name": EXAMPLE["secretName"], "key": "METRICS_TOKEN"}
    assert {each["spec"]["ports"][0]["name"] for each in of("Service", EXAMPLE).values()} == {web["port"]}
    [port] = pods(EXAMPLE)["worker"]["containers"][0]["ports"]
    assert port == {"name": worker["port"], "containerPort": 8081}
    [rules] = of("PrometheusRule", EXAMPLE).values()
    assert rules["spec"] == yaml.safe_load((ROOT / "ops" / "prometheus" / "alerts.yml").read_text())


def test_migrations_come_before_whatever_they_are_for() -> None:
    job = of("Job", SMALLEST)["migrate"]
    annotations, pod = job["metadata"]["annotations"], job["spec"]["template"]["spec"]

    assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert [each["command"][2] for each in (pod["initContainers"][0], pod["containers"][0])] == ["check", "migrate"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("image.tag", ""),
        ("secretName", ""),
        ("config.APP_URL", "http://checkout.example.com"),
        ("config.APP_URL", "https://açaí.com.br"),
        ("config.APP_DEBUG", False),
        ("config.WEB_GROUPS", "2"),
        ("networkPolicy.proxies", []),
        ("httpRoute.enabled", True),
        ("replicas", 3),
        ("app.replica", 3),
    ],
)
def test_a_value_that_cannot_work_is_refused(path: str, value: Any) -> None:
    with pytest.raises(helm_python.HelmError, match="specifications of the schema"):
        chart.render(changed(path, value))


def test_the_schema_knows_every_value() -> None:
    with helm_python.Chart.load(chart.CHART) as loaded:
        schema, values = loaded.schema, loaded.values
    assert schema is not None

    assert set(schema["properties"]) - {"global"} == set(values)
    for name, section in schema["properties"].items():
        if "properties" in section:
            assert set(section["properties"]) >= set(values[name])
