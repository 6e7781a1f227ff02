"""The registration of the app at Appmax, before which nobody can install it.

The app's three URLs go into the form of Appmax's app store, and Appmax mails four values back.
"""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class RegisteredUrl:
    """A URL of ours, and the field of Appmax's form that it belongs in (the form is Portuguese)."""

    field: str
    url: str
    purpose: Promise


@dataclass(frozen=True)
class Variable:
    """A value that Appmax mails, under its name in the environment."""

    name: str
    purpose: Promise

    @property
    def is_set(self) -> bool:
        return bool(getattr(settings, self.name))


VARIABLES = (
    Variable("APPMAX_CLIENT_ID", _("the app's own id at Appmax's auth server")),
    Variable("APPMAX_CLIENT_SECRET", _("the secret that goes with it")),
    Variable("APPMAX_APP_ID_UUID", _("the app's UUID: every installation begins with it")),
    Variable("APPMAX_APP_ID_NUMERIC", _("the app's number: Appmax's confirmation of an installation carries it")),
)


def missing() -> list[str]:
    """The names of the variables that are still blank."""
    return [variable.name for variable in VARIABLES if not variable.is_set]


def urls(public_url: str) -> list[RegisteredUrl]:
    """The three URLs to register; `public_url` without a trailing slash."""
    return [
        RegisteredUrl("Host", public_url + reverse("install-start"), _("where an installation begins")),
        RegisteredUrl("URL do sistema", public_url + reverse("home"), _("the app's first page")),
        RegisteredUrl("URL de validação", public_url + reverse("install-callback"), _("where Appmax confirms it")),
    ]


def is_reachable(public_url: str) -> bool:
    """Whether Appmax's servers could reach this URL. They can't reach a loopback address, unless Appmax is
    simulated."""
    host = public_url.partition("://")[2].partition("/")[0]
    is_loopback = any(host == name or host.startswith(f"{name}:") for name in LOOPBACK)
    return settings.APPMAX_ENVIRONMENT == "simulator" or not is_loopback
