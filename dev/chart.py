"""The Helm chart in ops/helm, without a cluster: Helm itself renders and lints it, and the schemas of Kubernetes' API
say whether what it makes is right.

`python -m dev.chart` checks ops/helm/example.yaml. `python -m dev.chart FILE` prints what becomes of a file of values.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import yaml

CHART = Path(__file__).resolve().parent.parent / "ops" / "helm"
EXAMPLE = CHART / "example.yaml"
VERSIONS = ("1.30.0", "1.37.0")  # of Kubernetes: the oldest that Chart.yaml allows, and the newest with a schema


def render(values: Mapping[str, Any], name: str = "checkout", namespace: str = "shop") -> list[dict[str, Any]]:
    """The objects of a release with these values. Raises helm_python.HelmError, which names what is wrong with them."""
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(dict(values), name=name, namespace=namespace)
    texts = [text for path, text in sorted(files.items()) if not path.endswith("NOTES.txt")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def faults(found: dict[str, Any]) -> list[str]:
    """What is wrong with an object, by the oldest and the newest Kubernetes.

    Raises kubernetes_validate.SchemaNotFoundError for an object that isn't Kubernetes' own.
    """
    wrong = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(found, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = "/".join(map(str, error.path))
            wrong.append(f"{found['kind']} {found['metadata']['name']}, {place}: {error.message} ({version})")
    return wrong


def main(arguments: list[str]) -> int:
    """Prints the objects, or what is wrong; returns 1 if anything is."""
    values = yaml.safe_load(Path(arguments[0] if arguments else EXAMPLE).read_text())
    objects = render(values)
    if arguments:
        print(yaml.safe_dump_all(objects, sort_keys=False))
        return 0
    wrong = [message["error"] for message in helm_python.lint(CHART, values)["messages"] if message["severity"] > 1]
    for found in objects:
        try:
            wrong += faults(found)
        except kubernetes_validate.SchemaNotFoundError:
            continue  # an operator's object
    print("\n".join(wrong), end="")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
