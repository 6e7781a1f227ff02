"""`/health`: alive, and no I/O."""

from django.http import HttpResponse
from django.shortcuts import render
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from checkout_project.api import wants_page
from checkout_project.openapi import NO_KEY, answer, errors


@extend_schema(
    tags=["health"],
    auth=NO_KEY,
    summary="Whether this process is alive",
    responses={
        (200, "application/json"): answer("HealthAnswer", {"status": "ok"}, status=serializers.CharField()),
        (200, "text/html"): OpenApiTypes.STR,
        **errors(405, 500),
    },
)
@api_view(["GET"])
def health(request: Request) -> HttpResponse:
    """200 `{"status": "ok"}`, or the page for a browser."""
    if wants_page(request):
        return render(request._request, "health.html")
    return Response({"status": "ok"})
