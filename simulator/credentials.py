"""A merchant's credentials, derived from its account's name and the seed: nothing is stored, a restart changes none."""

import base64
import hmac


def account_of(client_id: str) -> str:
    """The account that a client_id names, with no word on whether it is ours; empty if it names none."""
    name = client_id.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
    except ValueError:
        return ""


class MerchantCredentials:
    """client_id = base64url(account) "." a short code; client_secret = a long one."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()

    def issue(self, account: str) -> tuple[str, str]:
        """Client id and secret of this account: the same whatever external_key the app is installed with."""
        name = base64.urlsafe_b64encode(account.encode()).decode().rstrip("=")
        return f"{name}.{self._code('id', account)[:12]}", self._code("secret", account)

    def owner(self, client_id: str, client_secret: str) -> str | None:
        """The account whose credentials these are; None if they are nobody's."""
        account = account_of(client_id)
        right = "\n".join(self.issue(account)).encode()
        given = f"{client_id}\n{client_secret}".encode()
        return account if account and hmac.compare_digest(right, given) else None

    def _code(self, purpose: str, account: str) -> str:
        return hmac.new(self._seed, f"{purpose}:{account}".encode(), "sha256").hexdigest()
