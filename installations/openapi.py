"""How the installation looks in the OpenAPI schema: a decorator for each method of the viewsets."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from installations.serializers import CallbackSerializer, StartSerializer
from web.openapi import API_KEY, MERCHANT, NO_KEY, answer, errors, request_example

_PAGE = {(200, "text/html"): OpenApiTypes.STR}

start = extend_schema(
    tags=["installation"],
    auth=NO_KEY,
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
    auth=NO_KEY,
    summary="The merchant comes back from Appmax",
    parameters=[OpenApiParameter("token", OpenApiTypes.STR, required=True)],
    responses={
        (200, "application/json"): answer(
            "InstalledAnswer",
            {"external_id": "0b1c8f5e-6a0c-5f43-9a4e-0c5d1a7f2b3d"},
            external_id=serializers.UUIDField(required=False),
            message=serializers.CharField(required=False),
        ),
        **_PAGE,
        **errors(400, 405, 409, 500, 502, 503, 504),
    },
)

confirm_by_appmax = extend_schema(
    tags=["installation"],
    auth=NO_KEY,
    summary="Appmax's own confirmation",
    request=CallbackSerializer,
    examples=[request_example({"app_id": "4242", "external_key": "loja-azul"})],
    responses={
        200: answer(
            "ConfirmedAnswer",
            {"external_id": "0b1c8f5e-6a0c-5f43-9a4e-0c5d1a7f2b3d"},
            external_id=serializers.UUIDField(),
        ),
        **errors(400, 405, 409, 413, 429, 500, 503),
    },
)

merchant_token = extend_schema(
    tags=["installation"],
    auth=API_KEY,
    summary="A bearer token and the merchant's credentials, to talk to Appmax directly",
    parameters=[MERCHANT],
    responses={
        200: answer(
            "MerchantTokenAnswer",
            {
                "merchant_bearer_token": "...",
                "external_key": "loja-azul",
                "merchant_client_id": "...",
                "merchant_client_secret": "...",
            },
            merchant_bearer_token=serializers.CharField(),
            external_key=serializers.CharField(),
            merchant_client_id=serializers.CharField(),
            merchant_client_secret=serializers.CharField(),
        ),
        **errors(401, 403, 404, 405, 500, 502, 503, 504),
    },
)

installation = extend_schema(
    tags=["installation"],
    auth=API_KEY,
    summary="An installation, and the external_id that Appmax's browser script is started with",
    parameters=[MERCHANT],
    responses={
        200: answer(
            "InstallationAnswer",
            {
                "external_key": "loja-azul",
                "external_id": "0b1c8f5e-6a0c-4f43-9a4e-0c5d1a7f2b3d",
                "app_id": "4242",
                "environment": "sandbox",
                "installed_at": "2026-11-24T12:22:01.123456Z",
                "disabled": False,
                "credentials_refused_since": None,
            },
            external_key=serializers.CharField(),
            external_id=serializers.UUIDField(help_text="The newest one that Appmax was told."),
            app_id=serializers.CharField(),
            environment=serializers.ChoiceField(["production", "sandbox", "simulator"]),
            installed_at=serializers.DateTimeField(),
            disabled=serializers.BooleanField(),
            credentials_refused_since=serializers.DateTimeField(allow_null=True),
        ),
        **errors(401, 404, 405, 500, 503),
    },
)

reconnect = extend_schema(
    tags=["installation"],
    auth=API_KEY,
    summary="A link with which the merchant connects the shop to Appmax again",
    description="Needs an API key of the installation's own. Good for one hour and one installation.",
    parameters=[MERCHANT],
    request=None,
    responses={
        200: answer(
            "ReconnectAnswer",
            {
                "url": "https://checkout.example.com/install/start?app_id=...&external_key=loja-azul&reconnect=...",
                "expires_in": 3600,
            },
            url=serializers.URLField(),
            expires_in=serializers.IntegerField(help_text="Seconds."),
        ),
        **errors(401, 403, 404, 405, 500, 503),
    },
)
