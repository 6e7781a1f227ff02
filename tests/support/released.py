"""The chart in ops/helm, rendered: its objects by kind, its pods, containers and their variables."""

import copy
from typing import Any

import yaml

from dev import chart

EXAMPLE: dict[str, Any] = yaml.safe_load(chart.EXAMPLE.read_text())
SMALLEST: dict[str, Any] = {
    "image": {"repository": "registry.example.com/checkout", "tag": "1"},
    "secretName": "checkout",
    "config": {"APP_URL": "https://checkout.example.com"},
    "networkPolicy": {"proxies": [{"namespaceSelector": {}}]},
}
WEB = ("app", "quick")


def of(kind: str, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The objects of a kind, by their names without the release's."""
    found = [each for each in chart.render(values) if each["kind"] == kind]
    return {each["metadata"]["name"].partition("-")[2]: each for each in found}


def changed(path: str, value: Any, values: dict[str, Any] = SMALLEST) -> dict[str, Any]:
    """The values with another one at a path such as config.APP_URL."""
    values = copy.deepcopy(values)
    *sections, last = path.split(".")
    place = values
    for section in sections:
        place = place.setdefault(section, {})
    place[last] = value
    return values


def pods(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The spec of each kind of pod, by its component."""
    workloads = of("Deployment", values) | of("Job", values)
    return {name: workload["spec"]["template"]["spec"] for name, workload in workloads.items()}


def containers(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each container, by its component and its name."""
    return {
        f"{name}, {each['name']}": each
        for name, pod in pods(values).items()
        for each in [*pod["containers"], *pod.get("initContainers", [])]
    }


def variables(container: dict[str, Any]) -> dict[str, str]:
    """Those that have a value in the pod itself."""
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}
