"""What Swagger shows as examples is what the schema allows, so that a reader can send and expect it."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from drf_spectacular.generators import SchemaGenerator

SCHEMA = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


def examples() -> Iterator[Any]:
    """Of each body that is sent or answered, and of each parameter: its schema and an example."""
    for path, operations in SCHEMA["paths"].items():
        for method, operation in operations.items():
            bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
            told = [(where, media) for where, body in bodies.items() for media in body.get("content", {}).values()]
            told += [(parameter["name"], parameter) for parameter in operation.get("parameters", [])]
            for where, media in told:
                for name, example in media.get("examples", {}).items():
                    yield pytest.param(media["schema"], example["value"], id=f"{method} {path} {where} {name}")


@pytest.mark.parametrize(("schema", "example"), [*examples()])
def test_each_example_fits_its_schema(schema: dict[str, Any], example: Any) -> None:
    validator = jsonschema_rs.Draft202012Validator(
        {**schema, "components": SCHEMA["components"]}, validate_formats=True
    )

    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(example)] == []


def test_each_body_that_is_sent_or_answered_has_an_example() -> None:
    without = [
        f"{method} {path} {where}"
        for path, operations in SCHEMA["paths"].items()
        for method, operation in operations.items()
        for where, body in {"request": operation.get("requestBody", {}), **operation["responses"]}.items()
        for kind, media in body.get("content", {}).items()
        if kind == "application/json" and "examples" not in media
    ]

    assert without == []


def test_swagger_says_how_the_key_is_written() -> None:
    scheme = SCHEMA["components"]["securitySchemes"]["ApiKey"]

    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Authorization")
    assert "`Api-Key`, a space, and the key" in scheme["description"]
