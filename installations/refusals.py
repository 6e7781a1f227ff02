"""The errors with which an installation is refused. errors.py has their codes and texts."""


class InvalidAppId(Exception):
    """The app_id isn't ours. If it is the app's other id, which is a common mistake, `hints` says so."""

    field = "app_id"

    def __init__(self, app_id: str, *, other_id: str, hint: str) -> None:
        super().__init__()
        self.hints = [hint] if other_id and app_id == other_id else []


class InitiationFailed(Exception):
    """Appmax gave no hash."""


class GenerationFailed(Exception):
    """Appmax gave no credentials, and the installation has none yet."""


class AlreadyConfirmed(Exception):
    """The credentials of a confirmed installation would be replaced without a valid reconnect link."""


class LinkSpent(AlreadyConfirmed):
    """The reconnect link was used before, is older than an hour, or is another installation's."""


class CacheAway(Exception):
    """The cache is away, so the reconnect link that the installation was begun with can't be remembered."""


class CredentialsRefused(Exception):
    """Appmax's auth server doesn't accept the credentials of a new installation."""

    field = "client_secret"
