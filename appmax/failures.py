"""Turns an answer of Appmax's that is no success into the error that says what may be done next (contract, 4.2)."""

from collections.abc import Collection

from appmax import wording
from appmax.answers import Unreadable
from appmax.errors import AppmaxError, CredentialsRefused, Declined, OutcomeUnknown, Rejected, Unavailable
from appmax.transport import Answer, Kind

NO_REASON = "payment declined"
NO_MESSAGE = "Appmax refused the request"
"""The messages of a decline and of a refusal of which Appmax says nothing."""

_OUR_FAULT = (400, 404, 409, 422)
_MAY_SAY_DECLINED = (200, 201, 400, 403, 404, 409, 422)
# A firewall or proxy in front of Appmax answers these, while Appmax itself may be carrying out the request.
_NOT_FROM_APPMAX = (403, 408, 425, 499)


def of_answer(answer: Answer, kind: Kind, secrets: Collection[str]) -> AppmaxError:
    """The error for an answer that is no success, by the rules of contract 4.2."""
    status = answer.status
    message = wording.error_message(answer.body, secrets)
    if status == 402 or _is_decline(answer, kind):
        return declined(answer, secrets)
    if status in (200, 201):  # {"success": false}
        return Rejected(message or NO_MESSAGE, status=422, trace=answer.trace)
    if status in _OUR_FAULT:
        return Rejected(message or NO_MESSAGE, status=status, trace=answer.trace)
    if status == 401 or (status == 403 and wording.is_oauth_error(answer.body)):
        return credentials_refused(answer, message)
    if status == 403 and message:
        return Rejected(message, status=422, trace=answer.trace)
    certainly_undone = 400 <= status < 500 and status not in _NOT_FROM_APPMAX
    if kind.leaves_doubt and not certainly_undone:
        return OutcomeUnknown(message or f"Appmax answered {status}", status=status, trace=answer.trace)
    return unavailable(answer, message)


def _is_decline(answer: Answer, kind: Kind) -> bool:
    """Whether this answer to a payment refuses the shopper's card, rather than our request."""
    if not kind.is_payment or answer.status not in _MAY_SAY_DECLINED:
        return False
    if kind is Kind.CARD and wording.declined_status(answer.body):
        return True
    return wording.says_declined(wording.error_message(answer.body))


def declined(answer: Answer, secrets: Collection[str]) -> Declined:
    message = wording.error_message(answer.body, secrets)
    if answer.status in (200, 201) and not wording.says_declined(message):
        message = ""  # The message of a success is about something else.
    return Declined(
        message or NO_REASON,
        status=answer.status,
        trace=answer.trace,
        order_status=wording.declined_order_status(answer.body),
    )


def unreadable(answer: Answer, kind: Kind, secrets: Collection[str], problem: Unreadable) -> AppmaxError:
    """The error for a success that lacks the field `problem`."""
    if _is_decline(answer, kind):
        return declined(answer, secrets)
    unknown = OutcomeUnknown if kind.leaves_doubt else Unavailable
    return unknown(f"Appmax's answer lacks {problem}", status=answer.status, trace=answer.trace)


def credentials_refused(answer: Answer, message: str) -> CredentialsRefused:
    return CredentialsRefused(message or "Appmax refused these credentials", status=answer.status, trace=answer.trace)


def unavailable(answer: Answer, message: str) -> Unavailable:
    return Unavailable(
        message or f"Appmax answered {answer.status}",
        status=answer.status,
        trace=answer.trace,
        retry_after=answer.retry_after if answer.status == 429 else None,
    )
