"""A merchant's credentials, derived from its external_key and the seed: nothing is stored, a restart changes none."""

import base64
import hmac


class MerchantCredentials:
    """client_id = base64url(external_key) "." a short code; client_secret = a long one."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()

    def issue(self, external_key: str) -> tuple[str, str]:
        """Client id and secret of this merchant's installation; always the same."""
        name = base64.urlsafe_b64encode(external_key.encode()).decode().rstrip("=")
        return f"{name}.{self._code('id', external_key)[:12]}", self._code("secret", external_key)

    def owner(self, client_id: str, client_secret: str) -> str | None:
        """The external_key whose credentials these are; None if they are nobody's."""
        name = client_id.partition(".")[0]
        try:
            external_key = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except ValueError:
            return None
        right = "\n".join(self.issue(external_key)).encode()
        given = f"{client_id}\n{client_secret}".encode()
        return external_key if external_key and hmac.compare_digest(right, given) else None

    def _code(self, purpose: str, external_key: str) -> str:
        return hmac.new(self._seed, f"{purpose}:{external_key}".encode(), "sha256").hexdigest()
