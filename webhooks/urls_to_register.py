"""The URLs that are registered at Appmax, and the tokens that they carry.

The app has one URL, for Appmax's app store: its token is WEBHOOK_SECRET itself, and its events may be about any
merchant's orders. Each installation has a URL of its own, for the merchant's panel: its token is the external_key,
signed with that secret. A merchant who gives his away, or who is an attacker himself, can tell us about his own orders
only.
"""

import re
from urllib.parse import quote, unquote_plus

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.utils.crypto import constant_time_compare

WEBHOOK_PATH = "/webhooks/appmax"
MOST_TOKENS = 5  # in one URL; each is compared with a signature
_SALT = "webhooks.installation"


class InvalidToken(Exception):
    """The URL carries neither the app's token nor an installation's."""


def of_app(public_url: str) -> str:
    """The URL whose events may be about any merchant; without a token where no WEBHOOK_SECRET is set."""
    return _with_token(public_url, settings.WEBHOOK_SECRET[0] if settings.WEBHOOK_SECRET else "")


def of_installation(public_url: str, external_key: str) -> str:
    """The URL whose events are about this merchant's orders. Without WEBHOOK_SECRET it is the app's."""
    secrets = settings.WEBHOOK_SECRET
    return _with_token(public_url, Signer(key=secrets[0], salt=_SALT).sign(external_key) if secrets else "")


def proven_merchant(query: str) -> str:
    """The external_key that an installation's token in this query string proves; "" for the app's own token, and for
    any without WEBHOOK_SECRET. Raises InvalidToken. While a secret is being replaced both count."""
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
    """What may be the token. A URL in a panel is pasted twice, or somebody's tool adds `?x=1`, a slash or a space: a
    token that is there whole counts, whatever stands around it."""
    values = re.findall(r"(?:^|[?&;])token=(?=([^&]*))", query, re.IGNORECASE)[:MOST_TOKENS]
    whole = [unquote_plus(value) for value in values]
    cut = [unquote_plus(re.split("[?;#]", value)[0]).strip().rstrip("/") for value in values]
    return list(dict.fromkeys(whole + cut))


def _with_token(public_url: str, token: str) -> str:
    return public_url + WEBHOOK_PATH + (f"?token={quote(token, safe='')}" if token else "")
