"""`/health`: alive, and no I/O."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from checkout_project.api import wants_page


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """200 `{"status": "ok"}`, or the page for a browser."""
    if wants_page(request):
        return render(request, "health.html")
    return JsonResponse({"status": "ok"})
