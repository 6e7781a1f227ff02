"""Links by which staff choose a password: invitations, and for who forgot theirs.

A link is signed by Django's token generator: it ends after PASSWORD_RESET_TIMEOUT, with the first password that is
chosen, and when the user's e-mail address changes.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import get_language, gettext, gettext_noop

from backoffice import roles, sessions, team_log

INVITED = gettext_noop("Invited")
LINK_SENT = gettext_noop("Link to choose a password sent")
LINK_SHOWN = gettext_noop("Link to choose a password shown")
CHOSEN = gettext_noop("Password chosen by a link")


class RoleTooHigh(Exception):
    """Whoever invites may do less than the role allows."""


def active() -> QuerySet[User]:
    """Those who may use a link."""
    return User.objects.filter(is_active=True, is_staff=True)


@transaction.atomic
def invite(*, by: Any, email: str, first_name: str, last_name: str, role: Group) -> User:
    """Make the login of a new colleague, who has no password until the link is used. Raises RoleTooHigh."""
    if not roles.givable(by).filter(pk=role.pk).exists():
        raise RoleTooHigh
    user = User(username=email.lower(), email=email, first_name=first_name, last_name=last_name, is_staff=True)
    user.set_unusable_password()
    user.save()
    user.groups.add(role)
    team_log.note(by, user, INVITED, role.name)
    return user


def renew(user: User) -> None:
    """End the links of an invitation that hasn't been taken up."""
    if not user.has_usable_password():
        user.set_unusable_password()
        user.save(update_fields=["password"])


def hand_over(user: User, *, by: Any, base: str) -> str:
    """Have the link mailed; returns "". Where no SMTP server is set up, the link is returned instead, for the one who
    asked to hand it over. `base` is our public URL."""
    if settings.EMAIL_HOST:
        team_log.note(by, user, LINK_SENT)
        mail(user.pk, by=by.pk, base=base)
        return ""
    team_log.note(by, user, LINK_SHOWN)
    return link(user, base)


def link(user: User, base: str) -> str:
    """The URL of the page that takes the user's new password."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("admin:choose_password", args=[uid, default_token_generator.make_token(user)])
    return f"{base}{path}"


def mail(user: int, *, by: int | None, base: str) -> None:
    """Have the worker send the link to this user. It does nothing for the user 0, so that a request for an unknown
    address takes as long as any other. The link itself is made by the worker, as a job's arguments can be read."""
    from backoffice.tasks import mail_link

    mail_link.defer(user=user, by=by, base=base, language=get_language() or settings.LANGUAGE_CODE)


def send(user_id: int, *, by: int | None, base: str, language: str) -> None:
    """Send the link by e-mail. Raises OSError or SMTPException if the server doesn't take it."""
    user = active().filter(pk=user_id).exclude(email="").first()
    if user is None:
        return
    inviter = User.objects.filter(pk=by).first() if by else None
    context = {
        "user": user,
        "inviter": (inviter.get_full_name() or inviter.get_username()) if inviter else "",
        "is_invited": not user.has_usable_password(),
        "link": link(user, base),
        "base": base,
        "until": timezone.localtime() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
        "support_email": settings.SUPPORT_EMAIL,
    }
    with translation.override(language):
        invited, forgot = gettext("Your invitation to Appmax Checkout"), gettext("Choose a new password")
        text = render_to_string("backoffice/link.txt", context)
    connection.close()  # The server may take EMAIL_TIMEOUT seconds for each answer.
    with get_connection() as server:  # which closes the socket if the server refuses our user name
        EmailMessage(invited if context["is_invited"] else forgot, text, to=[user.email], connection=server).send()


@transaction.atomic
def choose(user: User, token: str, password: str) -> bool:
    """Set the user's password, end all sessions and return True; False if the link has been used meanwhile."""
    locked = active().select_for_update().filter(pk=user.pk).first()
    if locked is None or not default_token_generator.check_token(locked, token):
        return False
    locked.set_password(password)
    locked.save(update_fields=["password"])
    sessions.end_all(locked, by=locked)
    team_log.note(locked, locked, CHOSEN)
    return True
