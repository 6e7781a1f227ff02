"""How the installation looks in the OpenAPI schema: a decorator for each method of the viewsets."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer, extend_schema

from installations.answers import (
    ApiKeysAnswer,
    ConfirmedAnswer,
    DomainNamesAnswer,
    InstallationAnswer,
    MerchantTokenAnswer,
    NewApiKeyAnswer,
    ReconnectAnswer,
)
from installations.serializers import ApiKeySerializer, CallbackSerializer, DomainNamesSerializer, StartSerializer
from web.api import MessageAnswer
from web.openapi import MERCHANT, answer, errors, request_example


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # its __init_subclass__
    """Which routes need an API key; drf-spectacular finds it by itself."""

    target_class = "installations.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """OpenAPI has no scheme for `Authorization: Api-Key ...` but that of a header."""
        description = (
            "The header's whole value: `Api-Key`, a space, and the key. So into this field go `Api-Key ` and the key, "
            "not the key alone. The first key is made on the page that ends an installation, or by staff."
        )
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


_PAGE = {(200, "text/html"): OpenApiTypes.STR}

start = extend_schema(
    tags=["installation"],
    summary="Begin an installation",
    description="Sends the merchant's browser to Appmax's panel. A browser that lacks a parameter gets a page.",
    parameters=[StartSerializer],
    responses={
        **_PAGE,
        302: OpenApiResponse(description="To Appmax's panel."),
        **errors(400, 405, 409, 429, 500, 502, 503, 504),
    },
)

confirm_by_browser = extend_schema(
    tags=["installation"],
    summary="The merchant comes back from Appmax",
    parameters=[OpenApiParameter("token", OpenApiTypes.STR, required=True)],
    responses={
        (200, "application/json"): answer(
            PolymorphicProxySerializer("InstalledAnswer", [ConfirmedAnswer, MessageAnswer], None),
            {"external_id": "0b1c8f5e-6a0c-5f43-9a4e-0c5d1a7f2b3d"},
        ),
        **_PAGE,
        **errors(400, 405, 409, 500, 502, 503, 504),
    },
)

confirm_by_appmax = extend_schema(
    tags=["installation"],
    summary="Appmax's own confirmation",
    request=CallbackSerializer,
    examples=[request_example({"app_id": "4242", "external_key": "loja-azul"})],
    responses={
        200: answer(
            ConfirmedAnswer,
            {"external_id": "0b1c8f5e-6a0c-5f43-9a4e-0c5d1a7f2b3d"},
        ),
        **errors(400, 405, 409, 413, 429, 500, 503),
    },
)

merchant_token = extend_schema(
    tags=["installation"],
    summary="A bearer token and the merchant's credentials, to talk to Appmax directly",
    parameters=[MERCHANT],
    responses={
        200: answer(
            MerchantTokenAnswer,
            {
                "merchant_bearer_token": "...",
                "external_key": "loja-azul",
                "merchant_client_id": "...",
                "merchant_client_secret": "...",
            },
        ),
        **errors(401, 403, 404, 405, 500, 502, 503, 504),
    },
)

installation = extend_schema(
    tags=["installation"],
    summary="An installation, and the external_id that Appmax's browser script is started with",
    parameters=[MERCHANT],
    responses={
        200: answer(
            InstallationAnswer,
            {
                "external_key": "loja-azul",
                "external_id": "0b1c8f5e-6a0c-4f43-9a4e-0c5d1a7f2b3d",
                "app_id": "4242",
                "environment": "sandbox",
                "installed_at": "2026-11-24T12:22:01.123456Z",
                "disabled": False,
                "credentials_refused_since": None,
                "domain_names": [{"name": "loja.example.com.br", "told_at": "2026-11-24T12:22:01.123456Z"}],
            },
        ),
        **errors(401, 404, 405, 500, 503),
    },
)

domain_names = extend_schema(
    tags=["installation"],
    summary="The host names where Apple Pay shall work",
    description="Needs an API key of the installation's own. Appmax is told by the next reconnect link.",
    parameters=[MERCHANT],
    request=DomainNamesSerializer,
    examples=[request_example({"domain_names": ["loja.example.com.br", "www.loja.example.com.br"]})],
    responses={
        200: answer(
            DomainNamesAnswer,
            {
                "domain_names": [
                    {"name": "loja.example.com.br", "told_at": "2026-11-24T12:22:01.123456Z"},
                    {"name": "www.loja.example.com.br", "told_at": None},
                ]
            },
        ),
        **errors(400, 401, 403, 404, 405, 413, 500, 503),
    },
)

reconnect = extend_schema(
    tags=["installation"],
    summary="A link with which the merchant connects the shop to Appmax again",
    description="Needs an API key of the installation's own. Good for one hour and one installation.",
    parameters=[MERCHANT],
    request=None,
    responses={
        200: answer(
            ReconnectAnswer,
            {
                "url": "https://checkout.example.com/install/start?app_id=...&external_key=loja-azul&reconnect=...",
                "expires_in": 3600,
            },
        ),
        **errors(401, 403, 404, 405, 500, 503),
    },
)

_API_KEY = {
    "prefix": "Zk3v9QpL",
    "name": "storefront",
    "created_at": "2026-11-29T12:22:01.123456Z",
    "last_used_at": None,
    "expires_at": None,
}

api_key_list = extend_schema(
    operation_id="installations_api_keys_list",
    tags=["installation"],
    summary="The installation's API keys that can be used",
    description="Needs an API key of the installation's own.",
    parameters=[MERCHANT],
    responses={200: answer(ApiKeysAnswer, {"api_keys": [_API_KEY]}), **errors(401, 403, 404, 405, 500, 503)},
)

make_api_key = extend_schema(
    tags=["installation"],
    summary="Make an API key",
    description="Needs an API key of the installation's own. The new key is shown once.",
    parameters=[MERCHANT],
    request=ApiKeySerializer,
    examples=[request_example({"name": "storefront"})],
    responses={
        200: answer(NewApiKeyAnswer, {**_API_KEY, "key": "Zk3v9QpL...."}),
        **errors(400, 401, 403, 404, 405, 409, 413, 500, 503),
    },
)

revoke_api_key = extend_schema(
    tags=["installation"],
    summary="Revoke an API key for good",
    description="Needs another API key of the installation's own. The answer is those that are left.",
    parameters=[MERCHANT, OpenApiParameter("prefix", OpenApiTypes.STR, OpenApiParameter.PATH)],
    responses={200: answer(ApiKeysAnswer, {"api_keys": []}), **errors(401, 403, 404, 405, 409, 500, 503)},
)
