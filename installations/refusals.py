"""Why an installation doesn't begin, or isn't done. What callers are told of it is in errors.py."""


class InvalidAppId(Exception):
    """The app_id isn't ours. `hints` say so when it is the app's other id, the classic mistake."""

    field = "app_id"

    def __init__(self, app_id: str, *, other_id: str, hint: str) -> None:
        super().__init__()
        self.hints = [hint] if other_id and app_id == other_id else []


class InitiationFailed(Exception):
    """Appmax gave no hash."""


class GenerationFailed(Exception):
    """Appmax gave no credentials, and the installation has none yet."""


class AlreadyConfirmed(Exception):
    """Somebody who isn't proven to be the merchant wants to replace a merchant's credentials."""


class LinkSpent(AlreadyConfirmed):
    """A reconnect link that has been used, is older than an hour, or isn't of this installation."""


class CacheAway(Exception):
    """Which link an installation was begun with can't be kept."""


class CredentialsRefused(Exception):
    """Appmax's auth server doesn't accept the credentials of a new installation."""

    field = "client_secret"
