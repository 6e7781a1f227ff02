"""Why an installation doesn't begin or isn't done: what a program is told, and what a person reads."""

from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError

from web.pages import ErrorText


class InvalidAppId(ValidationError):
    """400: the app_id isn't ours; says so when it is the app's other id, the classic mistake."""

    page = ErrorText(_("This link is for another app"), _("Its app_id is not this app's. Please start from here."))

    def __init__(self, app_id: str, *, other_id: str, hint: str) -> None:
        super().__init__({"app_id": ["invalid app_id", *([hint] if other_id and app_id == other_id else [])]})


class TokenRequired(APIException):
    """400: the browser came back without the hash."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "token is required"
    page = ErrorText(
        _("This is where Appmax brings you back to"),
        _("The address works only when you come from Appmax's page, after pressing Salvar there. Please start there."),
    )


class InitiationFailed(APIException):
    """502: Appmax gave no hash."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = "failed to initiate installation"
    page = ErrorText(
        _("Appmax did not begin the installation"), _("Nothing has been changed. Try again in a minute."), again=True
    )


class GenerationFailed(APIException):
    """502: Appmax gave no credentials, and the installation has none yet."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = "failed to generate merchant credentials"
    page = ErrorText(
        _("Appmax didn't complete the installation"),
        _("The app is not installed yet, and your shop is as it was. Please install it once more from the start."),
    )


class AlreadyConfirmed(APIException):
    """409: somebody who isn't proven to be the merchant wants to replace a merchant's credentials."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "installation already confirmed"
    page = ErrorText(
        _("This shop is connected already"),
        _(
            "It takes payments, and nothing has been changed. If it is yours and has to be connected to Appmax again, "
            "ask support for a reconnect link, or let your storefront's server ask for one with its API key. To "
            "connect another shop, start from the first page."
        ),
    )


class LinkSpent(AlreadyConfirmed):
    """409: a reconnect link that has been used, is older than an hour, or isn't of this installation."""

    page = ErrorText(
        _("This reconnect link can't be used any more"),
        _("It is good for one hour and for one installation. Nothing has been changed; please ask for a new one."),
    )


class CacheAway(APIException):
    """503: which link an installation was begun with can't be kept."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "reconnecting is not possible just now, try again later"


class CredentialsRefused(ValidationError):
    """400: Appmax's auth server doesn't accept the credentials of a new installation."""

    def __init__(self) -> None:
        super().__init__({"client_secret": ["Appmax refuses client_id and client_secret"]})
