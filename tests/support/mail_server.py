"""A real SMTP server on a port of its own: keeps what is sent to it, or refuses it as it is told."""

from asyncio import Server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope


@dataclass
class MailServer:
    """A running server. `answer` is what it says of each e-mail, and `of_sender` and `of_recipient` of each address. It
    refuses every user name."""

    host: str = "127.0.0.1"
    port: int = 0
    answer: str = "250 OK"
    of_sender: str = "250 OK"
    of_recipient: str = "250 OK"
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.of_sender.startswith("250"):
            envelope.mail_from = address
        return self.of_sender

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.of_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.of_recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # aiosmtpd's name
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(cast(bytes, envelope.content), policy=policy.default))
            self.recipients.append(envelope.rcpt_tos)
        return self.answer


class _Anywhere(Controller):
    """A controller for the port that the system gives."""

    def _trigger_server(self) -> None:
        """The library connects to the server once, to see that it is there."""
        self.port = cast(Server, self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def receiving(settings: Any) -> Iterator[MailServer]:
    """The server that Django's settings name meanwhile."""
    mail_server = MailServer()
    controller = _Anywhere(
        mail_server,
        hostname=mail_server.host,
        port=0,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=False, handled=False),
    )
    controller.start()
    mail_server.port = controller.port
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = mail_server.host, mail_server.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "Checkout <checkout@example.com>"
    try:
        yield mail_server
    finally:
        controller.stop()
