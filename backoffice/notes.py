"""Notes of staff on orders and merchants."""

import re
import uuid
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from stdnum import luhn
from unfold.widgets import UnfoldAdminTextareaWidget

from backoffice.kit.lists import ReadOnlyAdmin
from backoffice.kit.words import history, moment
from backoffice.models import Note

M = TypeVar("M", bound=Model)

NOTE_DELETED = gettext_noop("Note deleted")

MOST = 200  # the newest

_NUMBER = re.compile(r"(?<![\w.])\d(?:[ -]?\d){13,18}(?![\w])")


def of(row: Model) -> list[Note]:
    """The notes on an order or a merchant, newest first, with their authors."""
    return list(Note.objects.filter(**_about(row)).select_related("author").order_by("-pk")[:MOST])


class NoteForm(forms.Form):
    """A new note. Its key `once` makes two clicks on one page one note."""

    text = forms.CharField(
        label=_("Note"),
        max_length=2000,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text=_("All staff who see this page can read it. Leave out card numbers and documents."),
    )
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"once": uuid.uuid4()}, prefix="note")

    def clean_text(self) -> str:
        """The text. What looks like a card number is refused, as no table may hold one."""
        text: str = self.cleaned_data["text"]
        if any(luhn.is_valid(re.sub(r"[ -]", "", number)) for number in _NUMBER.findall(text)):
            raise forms.ValidationError(
                _("This looks like a card number. Leave it out; the last four digits are enough.")
            )
        return text


class Noted(ReadOnlyAdmin[M]):
    """The page of a row that staff write notes on: an order or an installation.

    The page's template includes `backoffice/notes.html`, or the form alone, `backoffice/note_form.html`.
    """

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        add, note = (self.admin_site.admin_view(view) for view in (require_POST(self.add_note), self.note))
        return [
            path("<int:pk>/notes/", add, name=f"{name}_notes"),
            path("<int:pk>/notes/<int:note>/", note, name=f"{name}_note"),
            *super().get_urls(),
        ]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Django's page, with the form for a note if the user may write one. Notes are read if the page has them."""
        context = {
            "note_form": NoteForm() if request.user.has_perm("backoffice.add_note") else None,
            "notes": lambda: of(self.found(request, str(object_id))),
            **(extra_context or {}),
        }
        return super().changeform_view(request, object_id, form_url, context)

    def add_note(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Keep the note that the page's form sends. A form that is sent twice is one note."""
        row = self._seen(request, pk)
        if not request.user.has_perm("backoffice.add_note"):
            raise PermissionDenied
        form = NoteForm(request.POST)
        if not form.is_valid():
            return self.confirm(
                request, row, title=gettext("Add a note"), form=form, button=gettext("Add note"), back=self._page(row)
            )
        new = {**_about(row), "text": form.cleaned_data["text"], "author": request.user}
        Note.objects.get_or_create(once=form.cleaned_data["once"], defaults=new)
        messages.success(request, gettext("The note was added."))
        return HttpResponseRedirect(self._page(row))

    def note(self, request: HttpRequest, pk: int, note: int) -> HttpResponse:
        """Show a note, and delete it if its author, or who may delete others' notes, wishes so."""
        row = self._seen(request, pk)
        found = get_object_or_404(Note.objects.select_related("author"), **_about(row), pk=note)
        may_delete = found.author_id == request.user.pk or request.user.has_perm("backoffice.delete_note")
        if request.method == "POST":
            if not may_delete:
                raise PermissionDenied
            if found.delete()[0]:
                self.log_change(request, row, history(NOTE_DELETED, _signed(found)))
            messages.success(request, gettext("The note was deleted."))
            return HttpResponseRedirect(self._page(row))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Note"),
            "row": row,
            "note": found,
            "may_delete": may_delete,
            "back": self._page(row),
        }
        return render(request, "backoffice/note.html", context)

    def _seen(self, request: HttpRequest, pk: int) -> M:
        """The row, if the user may see it. Raises Http404 or PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.found(request, str(pk))

    def _page(self, row: M) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])


def _about(row: Model) -> dict[str, Any]:
    """The column of a note that names this order or merchant."""
    return {str(row._meta.model_name): row}


def _signed(note: Note) -> str:
    return f"{note.author}, {moment(note.written_at)}"
