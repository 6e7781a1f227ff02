"""The code with which the API answers each error of the installation, and the text that a page shows instead."""

from django.utils.translation import gettext_lazy as _

from installations import keys, refusals
from installations.authentication import InstallationDisabled, InstallationNotFound, OwnKeyRequired
from installations.clients import NotConfigured
from web.codes import Code
from web.errors import ErrorCodes
from web.pages import ErrorText

ERROR_CODES: ErrorCodes = {
    InstallationNotFound: Code.INSTALLATION_NOT_FOUND,
    InstallationDisabled: Code.INSTALLATION_DISABLED,
    OwnKeyRequired: Code.OWN_KEY_REQUIRED,
    NotConfigured: Code.NOT_CONFIGURED,
    refusals.InvalidAppId: Code.INVALID_APP_ID,
    refusals.InitiationFailed: Code.INITIATION_FAILED,
    refusals.GenerationFailed: Code.GENERATION_FAILED,
    refusals.AlreadyConfirmed: Code.INSTALLATION_ALREADY_CONFIRMED,
    refusals.LinkSpent: Code.RECONNECT_LINK_SPENT,
    refusals.CacheAway: Code.RECONNECTING_UNAVAILABLE,
    refusals.CredentialsRefused: Code.INVALID_CREDENTIALS,
    keys.FirstKeyRefused: Code.FIRST_KEY_REFUSED,
    keys.FirstKeyMade: Code.FIRST_KEY_MADE,
    keys.TooManyKeys: Code.TOO_MANY_API_KEYS,
    keys.KeyNotFound: Code.API_KEY_NOT_FOUND,
    keys.RevokesItself: Code.KEY_REVOKES_ITSELF,
}

ERROR_PAGES = {
    Code.NOT_CONFIGURED: ErrorText(
        _("The app is not set up yet"),
        _("Its operator still has to fill in values that Appmax mails. The first page says which, and how."),
    ),
    Code.INVALID_APP_ID: ErrorText(
        _("This link is for another app"), _("Its app_id is not this app's. Please start from here.")
    ),
    Code.TOKEN_REQUIRED: ErrorText(
        _("This is where Appmax brings you back to"),
        _("The address works only when you come from Appmax's page, after pressing Salvar there. Please start there."),
    ),
    Code.INITIATION_FAILED: ErrorText(
        _("Appmax did not begin the installation"), _("Nothing has been changed. Try again in a minute."), again=True
    ),
    Code.GENERATION_FAILED: ErrorText(
        _("Appmax didn't complete the installation"),
        _("The app is not installed yet, and your shop is as it was. Please install it once more from the start."),
    ),
    Code.INSTALLATION_ALREADY_CONFIRMED: ErrorText(
        _("This shop is connected already"),
        _(
            "It takes payments, and nothing has been changed. If it is yours and has to be connected to Appmax again, "
            "ask support for a reconnect link, or let your storefront's server ask for one with its API key. To "
            "connect another shop, start from the first page."
        ),
    ),
    Code.RECONNECT_LINK_SPENT: ErrorText(
        _("This reconnect link can't be used any more"),
        _("It is good for one hour and for one installation. Nothing has been changed; please ask for a new one."),
    ),
    Code.FIRST_KEY_REFUSED: ErrorText(
        _("This browser can't make the first API key"),
        _("Only the browser that installed the app can, within an hour. Nothing is lost: ask support for a key."),
    ),
    Code.FIRST_KEY_MADE: ErrorText(
        _("Your shop has had its first API key"),
        _(
            "It was shown once, and can't be shown again. Who has it can make further keys with it; if it is lost, ask "
            "support for another one, and have the first one revoked."
        ),
    ),
}
