"""The Postman collection has what the schema has. newman sends it in .ci/run; what it is made with needs node."""

import json
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from dev import postman

COLLECTION = json.loads(postman.COLLECTION.read_text())


def test_every_operation_is_there_in_an_order_that_works() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]
    operations = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}

    sent = [postman._name_of(item["request"]) for item in COLLECTION["item"]]

    assert sent == postman.SEQUENCE
    assert set(sent) == operations


def test_each_request_checks_its_answer() -> None:
    scripts = [item["event"][0]["script"]["exec"] for item in COLLECTION["item"]]

    assert all(script[0].startswith('pm.test("answers ') for script in scripts)
    assert sum("jsonSchema" in line for script in scripts for line in script) == 16


def test_a_body_is_the_first_example_with_what_an_answer_before_has_said() -> None:
    example = {"order_id": 9001, "payment": {"token": "abc", "installments": 1}}
    operation: dict[str, Any] = {
        "requestBody": {"content": {"application/json": {"examples": {"a": {"value": example}, "b": {"value": {}}}}}}
    }

    body = postman._body(operation)

    assert json.loads(body.replace("{{order_id}}", "5")) == {
        "order_id": 5,
        "payment": {"token": "{{token}}", "installments": 1},
    }


def test_it_holds_no_key_of_anybody() -> None:
    variables = {each["key"]: each["value"] for each in COLLECTION["variable"]}

    assert variables["api_key"] == variables["webhook_secret"] == ""
    assert {line["value"] for item in COLLECTION["item"] for line in item["request"]["header"]} <= {
        "Api-Key {{api_key}}",
        "{{$guid}}",
        "application/json",
        "text/html",
    }
