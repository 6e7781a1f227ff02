"""Saved views: the filters of a list under a name, for oneself or for all staff who see the list."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from backoffice.models import SavedView

MOST = 50  # views above a list


class SavedViewForm(forms.Form):
    """A name for the filters of the list. Who may share views is asked whether this one is for all."""

    name = forms.CharField(
        label=_("Name of the view"), max_length=60, widget=UnfoldAdminTextInputWidget({"autocomplete": "off"})
    )
    is_shared = forms.BooleanField(label=_("For all staff"), required=False, widget=UnfoldBooleanSwitchWidget())
    query = forms.CharField(max_length=2000, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, may_share: bool, query: str = "") -> None:
        super().__init__(data, initial={"query": query}, prefix="view")
        if not may_share:
            del self.fields["is_shared"]

    def clean_query(self) -> str:
        """The query string as Django writes it, without the search text, which may be a shopper's e-mail or CPF."""
        query = QueryDict(self.cleaned_data["query"], mutable=True)
        query.pop(SEARCH_VAR, None)
        return query.urlencode()


def urls(admin: Any) -> list[URLPattern]:
    """What saves and deletes the views of an admin's list."""

    def save(request: HttpRequest) -> HttpResponse:
        return _save(admin, request)

    def delete(request: HttpRequest, pk: int) -> HttpResponse:
        return _delete(admin, request, pk)

    name = f"{admin.opts.app_label}_{admin.opts.model_name}_views"
    view = admin.admin_site.admin_view
    return [
        path("views/", view(require_POST(save)), name=name),
        path("views/<int:pk>/delete/", view(delete), name=f"{name}_delete"),
    ]


def shown(admin: Any, request: HttpRequest, changelist: Any) -> dict[str, Any]:
    """For the template: the views above the list, and the form that saves its filters as another.

    Of a view's parameters only those count that the list still knows.
    """
    known = _known(changelist)
    now = _filters(request.GET, known)
    current = None
    views = []
    for row in _seen_by(request, admin)[:MOST]:
        filters = _filters(QueryDict(row.query), known)
        is_current = _same(filters, now)
        current = row if is_current else current
        views.append({"row": row, "url": f"?{filters.urlencode()}", "is_current": is_current})
    name = f"admin:{admin.opts.app_label}_{admin.opts.model_name}_views"
    return {
        "views": views,
        "is_all": not now,
        "list_url": request.path,
        "delete_url": reverse(f"{name}_delete", args=[current.pk]) if current and _may_delete(request, current) else "",
        "save_url": reverse(name),
        "form": SavedViewForm(may_share=_may_share(request), query=now.urlencode()) if now and not current else None,
    }


def _save(admin: Any, request: HttpRequest) -> HttpResponse:
    """Keep the filters that the list's form sends, under the name that it sends."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    form = SavedViewForm(request.POST, may_share=_may_share(request))
    if form.is_valid():
        columns = {**form.cleaned_data, "owner": request.user, "list_name": admin.opts.label_lower}
        row = SavedView(**columns)
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            form.add_error("name", gettext("There is a view of this name already."))
        else:
            messages.success(request, gettext("The view was saved."))
            return HttpResponseRedirect(f"{_list(admin)}?{row.query}")
    page = {"title": gettext("Save this view"), "form": form, "button": gettext("Save")}
    return _page(admin, request, **page, back=f"{_list(admin)}?{form.data.get('view-query', '')}")


def _delete(admin: Any, request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a view after a second look, if it is one's own, or a shared one and one may share."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    row = get_object_or_404(_seen_by(request, admin), pk=pk)
    if not _may_delete(request, row):
        raise PermissionDenied
    if request.method == "POST":
        row.delete()
        messages.success(request, gettext("The view was deleted."))
        return HttpResponseRedirect(_list(admin))
    question = gettext("All staff see it.") if row.is_shared else gettext("Only you see it.")
    page = {"title": gettext("Delete this view?"), "row": row, "question": question, "is_dangerous": True}
    return _page(admin, request, **page, button=gettext("Delete this view"), back=f"{_list(admin)}?{row.query}")


def _page(admin: Any, request: HttpRequest, **page: Any) -> HttpResponse:
    site, title = admin.admin_site.each_context(request), capfirst(admin.opts.verbose_name_plural)
    return render(request, "admin/confirm.html", {**site, "opts": admin.opts, "row": title, **page})


def _list(admin: Any) -> str:
    return reverse(f"admin:{admin.opts.app_label}_{admin.opts.model_name}_changelist")


def _seen_by(request: HttpRequest, admin: Any) -> QuerySet[SavedView]:
    """The user's own views of this list, and the shared ones, by name."""
    views = SavedView.objects.filter(Q(owner=request.user.pk) | Q(is_shared=True), list_name=admin.opts.label_lower)
    return views.order_by(Lower("name"), "pk")


def _may_share(request: HttpRequest) -> bool:
    return request.user.has_perm("backoffice.share_savedview")


def _may_delete(request: HttpRequest, row: SavedView) -> bool:
    return row.owner_id == request.user.pk or (row.is_shared and _may_share(request))


def _known(changelist: Any) -> set[str]:
    """The parameters by which the list can be filtered. What is searched for is none of a view's."""
    known = {name for spec in changelist.filter_specs for name in spec.expected_parameters()}
    if changelist.date_hierarchy:
        known |= {f"{changelist.date_hierarchy}__{part}" for part in ("year", "month", "day")}
    return known


def _filters(query: QueryDict, known: set[str]) -> QueryDict:
    """The parameters that narrow the list, without those that only order or page it."""
    filters = QueryDict(mutable=True)
    for name, values in query.lists():
        if name in known and (given := [value for value in values if value]):
            filters.setlist(name, given)
    return filters


def _same(one: QueryDict, other: QueryDict) -> bool:
    return sorted(one.lists()) == sorted(other.lists())
