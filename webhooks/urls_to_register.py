"""The webhook URLs that are registered at Appmax, and their tokens.

The app has one URL, for Appmax's app store. Its token is WEBHOOK_SECRET itself, and its events may be about any
merchant's orders. Each installation has a URL of its own, for the merchant's panel. Its token is the external_key,
signed with that secret, and its events are about this merchant's orders only. So a merchant who loses the token, or is
an attacker, can't make up events of other merchants.
"""

import re
from urllib.parse import quote, unquote_plus

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils.crypto import constant_time_compare

WEBHOOK_PATH = "/webhooks/appmax"
MOST_TOKENS = 5  # tokens of one URL that are looked at, because each costs the check of a signature
_SALT = "webhooks.installation"


class InvalidToken(Exception):
    """The URL has neither the app's token nor that of an installation."""


def of_app(public_url: str) -> str:
    """The app's URL, whose events may be about any merchant. It has no token if WEBHOOK_SECRET isn't set."""
    return _with_token(public_url, settings.WEBHOOK_SECRET[0] if settings.WEBHOOK_SECRET else "")


def of_installation(public_url: str, external_key: str) -> str:
    """The URL whose events are about this merchant's orders. It is the app's URL if WEBHOOK_SECRET isn't set."""
    secrets = settings.WEBHOOK_SECRET
    return _with_token(public_url, Signer(key=secrets[0], salt=_SALT).sign(external_key) if secrets else "")


def proven_merchant(query: str) -> str:
    """The external_key that the token in this query string proves. It is "" for the app's own token, and always if
    WEBHOOK_SECRET isn't set.

    While a secret is being replaced, tokens of both secrets are valid. Raises InvalidToken.
    """
    if not settings.WEBHOOK_SECRET:
        return ""
    for token in _tokens(query):
        for secret in settings.WEBHOOK_SECRET:
            if constant_time_compare(token, secret):
                return ""
            try:
                return Signer(key=secret, salt=_SALT).unsign(token)
            except BadSignature:
                continue
    raise InvalidToken


def _tokens(query: str) -> list[str]:
    """The texts that may be the token. People paste a URL twice into the panel, and tools add `?x=1`, a slash or a
    space. A complete token counts whatever stands around it."""
    values = re.findall(r"(?:^|[?&;])token=(?=([^&]*))", query, re.IGNORECASE)[:MOST_TOKENS]
    whole = [unquote_plus(value) for value in values]
    cut = [unquote_plus(re.split("[?;#]", value)[0]).strip().rstrip("/") for value in values]
    return list(dict.fromkeys(whole + cut))


def _with_token(public_url: str, token: str) -> str:
    return public_url + WEBHOOK_PATH + (f"?token={quote(token, safe='')}" if token else "")
