"""Appmax's words: finds the message in every shape of an error (contract, 4.2), tells whether it refuses a card, and
removes what no message may repeat."""

import html
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

MAX_MESSAGE = 500
HIDDEN = "•••"
CANCELLED = "cancelado"
REFUSED_BY_RISK = "recusado_por_risco"
_SECRET_FIELDS = frozenset(
    {
        "client_secret",
        "cvv",
        "document_number",
        "email",
        "holder_document_number",
        "holder_name",
        "number",  # a card's
        "phone",
        "token",
        "upsell_hash",
    }
)
# The parts of a wallet's token beside Google's `token` are Apple's.
_SECRET_INSIDE = frozenset({("payment_data", "data"), ("payment_data", "signature")})
_NO_SECRET_INSIDE = ("address", "number")  # a house's
_LONGEST_NUMBER = 64
_CARD_NUMBER = re.compile(r"(?<!\d)\d(?:[\s-]{0,2}\d){12,18}(?!\d)")
# This is searched for in texts without accents and capitals. "Negado" alone may mean that access was denied, so it
# counts only behind the word for a payment or a card.
_DECLINED = re.compile(
    r"\bnao\s+(?:foi\s+)?autorizad|\bnot\s+authori[sz]ed|\bnegada|\b(?:pagamento|cartao)\s+(?:foi\s+)?negado|\brecusad"
    r"|\bdeclined"
)
_BY_RISK = re.compile(r"\brecusad[oa][ _]por[ _]risco")
_OAUTH_ERRORS = (
    "access_denied",
    "insufficient_scope",
    "invalid_client",
    "invalid_grant",
    "invalid_token",
    "unauthorized_client",
)


def error_message(body: Any, secrets: Collection[str] = ()) -> str:
    """The message in any of the shapes of contract 4.2, without the `secrets` and card numbers; "" if there is none."""
    candidates = (
        dig(body, "errors", "message"),
        dig(body, "error", "message"),
        dig(body, "data", "errors", "message"),
        dig(body, "message"),
        dig(body, "error_description"),
        dig(body, "text"),
        dig(body, "errors"),
        dig(body, "data", "message"),  # This says more than the "error": "Forbidden" beside it.
        dig(body, "error"),
    )
    for candidate in candidates:
        if text := html.unescape(_sentence(candidate)).strip():
            # The text is cut last, because half a card number would not be recognised.
            return _scrubbed(text, secrets)[:MAX_MESSAGE]
    return ""


def secrets_in(sent: Mapping[str, Any], inside: str = "") -> set[str]:
    """The values of a request that no error may repeat: the card's and its holder's, document numbers and tokens."""
    found: set[str] = set()
    for name, value in sent.items():
        if isinstance(value, Mapping):
            found |= secrets_in(value, name)
        elif not isinstance(value, str) or (inside, name) == _NO_SECRET_INSIDE:
            continue
        elif name in _SECRET_FIELDS or (inside, name) in _SECRET_INSIDE:
            found.add(value.strip())
    return found - {""}


def says_declined(message: str) -> bool:
    """Whether Appmax writes this when a card is refused."""
    return _DECLINED.search(_folded(message)) is not None


def declined_status(body: Any) -> str:
    """`cancelado` or `recusado_por_risco` if that is the status of the payment or the order, else ""."""
    said = {word(dig(body, "data", part, "status")).lower() for part in ("payment", "order")}
    return next((status for status in (REFUSED_BY_RISK, CANCELLED) if status in said), "")


def declined_order_status(body: Any) -> str:
    """The new status of a declined payment's order: `recusado_por_risco` if the answer says so anywhere, else
    `cancelado`."""
    if declined_status(body) == REFUSED_BY_RISK or _BY_RISK.search(_folded(error_message(body))):
        return REFUSED_BY_RISK
    return CANCELLED


def is_oauth_error(body: Any) -> bool:
    """Whether the body is like `{"error": "invalid_client", "error_description": ..}`, which is about the credentials
    and not about the request."""
    code = text_of(dig(body, "error"))
    return code in _OAUTH_ERRORS or bool(code and text_of(dig(body, "error_description")))


def is_refusal(body: Any) -> bool:
    """Whether the body is `{"success": false, ...}`, which is an error whatever the HTTP status is."""
    return isinstance(body, dict) and body.get("success") is False


def dig(body: Any, *path: str) -> Any:
    """The value at this path; None if an object on the way is missing, or is the `[]` that Appmax writes for an empty
    object."""
    for name in path:
        if not isinstance(body, dict):  # as json makes them; to ask whether it is a Mapping takes four times as long
            return None
        body = body.get(name)
    return body


def word(value: Any) -> str:
    """A text or a whole number as text; "" for anything else."""
    return str(value) if type(value) is int else text_of(value).strip()


def text_of(value: Any) -> str:
    """The value, if it is a text; "" for anything else."""
    return value if isinstance(value, str) else ""


def _folded(text: str) -> str:
    """The text without accents, and in small letters."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()


def _scrubbed(text: str, secrets: Collection[str]) -> str:
    """The text without the secrets, and without anything that looks like a card number."""
    if secrets:
        longest_first = sorted(secrets, key=len, reverse=True)
        text = re.sub("|".join(map(_occurrence, longest_first)), HIDDEN, text, flags=re.IGNORECASE)
    return _CARD_NUMBER.sub(HIDDEN, text)


def _occurrence(secret: str) -> str:
    """The pattern that finds a secret in a message. A short one (a CVV) is found as a whole word only. A number is also
    found with punctuation between its digits."""
    if len(secret) <= 4:
        return rf"(?<!\w){re.escape(secret)}(?!\w)"
    if len(secret) <= _LONGEST_NUMBER and secret.isalnum() and not secret.isalpha():
        return r"[\s./-]?".join(secret)
    return re.escape(secret)


def _sentence(value: Any) -> str:
    """A text, a list of texts, or a dictionary of fields, as one line."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return ", ".join(filter(None, map(_sentence, value)))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {text}" for name, item in value.items() if (text := _sentence(item)))
    return ""
