"""The OpenAPI schema is complete, the pages that show it are served by us, and the product answers as it says."""

import os
import re
from typing import Any

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from checkout_project.wsgi import application
from installations.models import Installation
from simulator.orders import Order as RemoteOrder
from simulator.server import SimulatorServer
from tests.support.factories import OrderFactory, api_key
from web.codes import Code

PAGES = {"", "admin/", "language", "install/first-key", "api/schema", "api/docs", "api/redoc"}
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES") or 25)  # for each route; more of them by hand

schemathesis.openapi.format("cpf-or-cnpj", st.sampled_from(["529.982.247-25", "11222333000181", "12.ABC.345/01DE-35"]))
schemathesis.openapi.format("card-number", st.sampled_from(["4000000000000010", "4000 0000 0000 0028"]))
SCHEMA = schemathesis.openapi.from_wsgi("/api/schema", application)


def routes(resolver: URLResolver, prefix: str = "") -> set[str]:
    """All paths of the product, admin and pages aside."""
    found: set[str] = set()
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if path in PAGES and path:
            continue
        if isinstance(entry, URLPattern):
            found.add("/" + re.sub("<(?:str|path|id|int):", "{", path).replace(">", "}"))
        else:
            found |= routes(entry, path)
    return found


def test_every_route_is_described() -> None:
    described = SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]

    assert set(described) == routes(get_resolver()) - {"/", "/metrics"}


def test_every_operation_has_a_summary_and_its_errors() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]

    for path, operations in paths.items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert {"200", "405", "500"} <= set(operation["responses"]), (method, path)
            needs_key = path.startswith(("/checkout", "/installations"))
            assert ("401" in operation["responses"]) == needs_key == ("security" in operation), (method, path)


def test_the_schema_has_every_error_code_and_says_with_which_status_it_comes() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    field = schema["components"]["schemas"]["Error"]["properties"]["code"]
    told: dict[str, set[int]] = {}
    for operations in schema["paths"].values():
        for status, answer in (pair for each in operations.values() for pair in each["responses"].items()):
            for code in re.findall(r"`(\w+)`", answer["description"]) if status[0] in "45" else ():
                told.setdefault(code, set()).add(int(status))

    [reference] = [each["$ref"] for each in field["allOf"]] if "allOf" in field else [field["$ref"]]
    assert set(schema["components"]["schemas"][reference.rpartition("/")[2]]["enum"]) == set(Code)
    outside_rest_framework = {Code.REQUEST_TIMEOUT, Code.LENGTH_REQUIRED}
    assert told == {code.value: set(code.statuses) for code in set(Code) - outside_rest_framework}


@pytest.mark.parametrize("path", ["/api/docs", "/api/redoc"])
def test_the_docs_ask_no_other_host_for_anything(path: str) -> None:
    page = Client().get(path).content.decode()

    assert "//cdn" not in page
    assert "https://" not in page.replace("https://www.w3.org", "")
    assert "drf_spectacular_sidecar" in page


@pytest.fixture
def world(shop: Installation, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The order that the schema's examples speak of; returns an API key, which may be used as often as it likes."""
    monkeypatch.setattr(django_settings, "API_KEY_RATE", 0)
    monkeypatch.setattr(django_settings, "APPMAX_RATE", 0)
    simulator.state.orders[9001] = RemoteOrder(9001, "shop", 5001, 12990, 0, 0, [])
    OrderFactory.create(installation=shop, appmax_order_id=9001, appmax_customer_id=5001)
    return api_key(shop)


@pytest.mark.django_db(transaction=True)
@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much, HealthCheck.too_slow],
)
def test_whatever_is_sent_no_500_and_no_undocumented_answer(case: "schemathesis.Case[Any]", world: str) -> None:
    if "key" in case.path_parameters:
        case.path_parameters["key"] = "shop"
    headers: dict[str, Any] = {"Authorization": f"Api-Key {world}"}
    case.call_and_validate(
        headers=headers,
        checks=[
            checks.not_a_server_error,
            openapi_checks.status_code_conformance,
            openapi_checks.content_type_conformance,
            openapi_checks.response_schema_conformance,
        ],
    )
