"""The pages where staff without a password get one: "forgot password", and the page that a link leads to."""

from math import ceil
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from backoffice import links
from web.address import client_ip
from web.codes import Code
from web.errors import ErrorAnswer, refusal
from web.limits import Limit
from web.pages import public_url

BY_ADDRESS = Limit("forgot_by_address", 10, 3600)  # requests of one network
TO_ADDRESS = Limit("forgot_to_address", 3, 3600)  # mails to one e-mail address


class ForgotForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=UnfoldAdminEmailInputWidget({"autocomplete": "email"})
    )


def forgot(site: Any, request: HttpRequest) -> HttpResponse:
    """Has a link mailed to staff with the given address. The answer is the same whether or not there are any."""
    form = ForgotForm(request.POST or None)
    is_done = False
    if request.method == "POST" and settings.EMAIL_HOST:
        asked = BY_ADDRESS.take(client_ip(request))
        if not asked.is_allowed:
            wait = {"Retry-After": str(ceil(asked.wait))}
            return refusal(request, ErrorAnswer(Code.TOO_MANY_REQUESTS, headers=wait))
        if form.is_valid():
            _mail(form.cleaned_data["email"], public_url(request))
            is_done = True
    context = {
        **site.each_context(request),
        "title": _("Forgot your password?"),
        "form": form,
        "is_done": is_done,
        "can_mail": bool(settings.EMAIL_HOST),
    }
    return render(request, "admin/forgot.html", context)


def _mail(email: str, base: str) -> None:
    """The mail goes to the address that the user's row has, as what was typed may only look like it."""
    hashed = salted_hmac("backoffice.forgot", email.casefold()).hexdigest()
    is_allowed = TO_ADDRESS.take(hashed).is_allowed
    found = links.active().filter(email__iexact=email).values_list("pk", flat=True)[: TO_ADDRESS.most]
    for user in list(found) or [0]:
        links.mail(user if is_allowed else 0, by=None, base=base)


class PasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """Django's, with Unfold's fields."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("new_password1", "new_password2"):
            self.fields[name].widget = UnfoldAdminPasswordWidget({"autocomplete": "new-password"})


class ChoosePassword(PasswordResetConfirmView):
    """Django's page. It takes the token out of the address first, so that no log and no other site sees it."""

    form_class = PasswordForm
    template_name = "admin/choose_password.html"
    reset_url_token = "new"  # noqa: S105 # nosec B105 - the address without the token
    title = _("Choose your password")
    site: Any = None

    def get_user(self, uidb64: str) -> Any:
        user = super().get_user(uidb64)
        return user if user and user.is_active and user.is_staff else None

    def form_valid(self, form: Any) -> HttpResponse:
        """Sets the password, unless somebody was quicker with the same link."""
        token = self.request.session.pop(INTERNAL_RESET_SESSION_TOKEN, "")
        if not links.choose(form.user, token, form.cleaned_data["new_password1"]):
            self.validlink = False
            return self.render_to_response(self.get_context_data())
        text = gettext("Your password is set. Log in as %(name)s.") % {"name": form.user.get_username()}
        messages.success(self.request, text)
        return HttpResponseRedirect(reverse("admin:login"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Django's, and that of the site's pages."""
        return {**self.site.each_context(self.request), **super().get_context_data(**kwargs)}
