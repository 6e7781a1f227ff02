"""Strict readers of environment variables.

A blank variable counts as unset, and `NAME_FILE` may name a file that holds the value of `NAME`. Every mistake raises
`ImproperlyConfigured` with one line that names the variable and never repeats a secret's value.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from checkout_project import addresses, dotenv

_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class Environment:
    """The process environment, completed by a `.env` file. A variable of the process wins over the file's, and so does
    its `NAME` over the file's `NAME_FILE`, and the other way round."""

    def __init__(self, file: Path) -> None:
        outside = {name for name, value in os.environ.items() if value.strip()}
        for name, value in dotenv.read(file, os.environ).items():
            other = name.removesuffix("_FILE") if name.endswith("_FILE") else f"{name}_FILE"
            if other not in outside:
                os.environ.setdefault(name, value)  # Libraries read their own variables from os.environ.

    def text(self, name: str, default: str | None = None) -> str:
        """The stripped text of the variable, or of the file that `NAME_FILE` names; `default` if neither is set.
        Without a default the variable is required."""
        value = os.environ.get(name, "").strip()
        if path := os.environ.get(f"{name}_FILE", "").strip():
            if value:
                raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one")
            try:
                value = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
                raise ImproperlyConfigured(f"the file named by {name}_FILE can't be read: {reason}") from None
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set; .env.example says what it is")
        return default

    def is_set(self, name: str) -> bool:
        """Whether the variable has a value."""
        return bool(self.text(name, ""))

    def number(self, name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
        """A whole number of at least `minimum`, and at most `maximum`."""
        return _number(name, self.text(name, str(default)), minimum, maximum)

    def numbers(self, name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> list[int]:
        """Whole numbers within these bounds, separated by commas."""
        return [_number(name, raw.strip(), minimum, maximum) for raw in self.text(name, str(default)).split(",")]

    def timezone(self, name: str, default: str) -> ZoneInfo:
        """A zone of the IANA database, by its name."""
        value = self.text(name, default)
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ImproperlyConfigured(f"{name} must be a time zone such as {default}, not {value!r}") from None

    def flag(self, name: str, default: bool) -> bool:
        """true or false (also 1/0, yes/no, on/off), in any case."""
        raw = self.text(name, str(default)).lower()
        if raw not in _TRUE + _FALSE:
            raise ImproperlyConfigured(f"{name} must be true or false, not {raw!r}")
        return raw in _TRUE

    def choice(self, name: str, default: str, allowed: Sequence[str]) -> str:
        """One of `allowed`, or the default."""
        value = self.text(name, default)
        if value not in (default, *allowed):
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def words(self, name: str) -> list[str]:
        """A comma-separated list."""
        return [word.strip() for word in self.text(name, "").split(",") if word.strip()]

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        """A comma-separated list of networks, like 10.0.0.0/8."""
        try:
            return [ip_network(word) for word in self.words(name)]
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} must be networks like 10.20.0.0/16: {error}") from None

    def url(self, name: str, default: str | None, *, has_path: bool = True) -> str:
        """The http or https URL of a site, without a trailing slash. `default` may be blank."""
        value = self.text(name, default)
        try:
            url = value and addresses.url_of_a_site(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be an http or https URL, like https://shop.example.com") from None
        if not has_path and url.count("/") > 2:
            raise ImproperlyConfigured(f"{name} must have no path: the product answers at the root of its host")
        return url

    def email(self, name: str) -> str:
        """An e-mail address, or a blank text if unset."""
        value = self.text(name, "")
        try:
            if value:
                validate_email(value)
        except ValidationError:
            raise ImproperlyConfigured(f"{name} must be an e-mail address, like help@shop.example.com") from None
        return value

    def hosts(self, name: str) -> list[str]:
        """A comma-separated list of host names, as browsers send them; `*` and a leading dot are Django's wildcards."""
        try:
            return [word if word == "*" else addresses.host_or_domain(word) for word in self.words(name)]
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be host names without scheme, port and path") from None

    def address(self, name: str, parts: Sequence[str]) -> str:
        """The URL of a server, or a blank text if unset. It takes the place of the variables `parts`, none of which may
        be set beside it."""
        url = self.text(name, "")
        for part in parts if url else ():
            if self.is_set(part):
                raise ImproperlyConfigured(f"{name} and {part} are both set; keep one")
        return url

    def server(self, name: str, default: str, *, port: str, url: str) -> str:
        """The host name or address of a server. The error for a port or a whole URL names the variable where it
        belongs: `port` or `url`."""
        return self._server(name, self.text(name, default), port, url)

    def servers(self, name: str, default: str, *, port: str, url: str) -> list[str]:
        """A comma-separated list of servers, each a host or the folder of a Unix socket."""
        values = [value.strip() for value in self.text(name, default).split(",")]
        return [value if value[:1] in ("/", "@") else self._server(name, value, port, url) for value in values]

    def _server(self, name: str, value: str, port: str, url: str) -> str:
        if "://" in value:
            raise ImproperlyConfigured(f"{name} must be a host alone; the whole address goes into {url}")
        try:
            return addresses.server(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be a host alone; a port goes into {port}") from None

    def file(self, name: str) -> str:
        """The path of a readable file, or a blank text if unset."""
        path = self.text(name, "")
        try:
            if path:
                Path(path).open("rb").close()
        except OSError as error:
            raise ImproperlyConfigured(f"the file that {name} names can't be read: {error.strerror}") from None
        return path

    def secret(self, name: str, *, generated_in: Path | None, make: Callable[[], str] | None = None) -> str:
        """A secret, which is required unless `generated_in` is a folder. A local start then makes the secret once, and
        keeps it there."""
        value = self.text(name, "")
        if value or generated_in is None:
            return value or self.text(name)
        return _kept_secret(generated_in / name.lower(), make or (lambda: secrets.token_urlsafe(50)))


def _number(name: str, raw: str, minimum: int, maximum: int | None) -> int:
    if not raw.isascii() or not raw.isdigit() or int(raw) < minimum:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {minimum}, not {raw!r}")
    if maximum is not None and int(raw) > maximum:
        raise ImproperlyConfigured(f"{name} must be at most {maximum}, not {raw!r}")
    return int(raw)


def _kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The file's content. If several processes start at once, the first one writes the file, which only its owner can
    read."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_suffix(f".{secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(make())
            try:
                path.hardlink_to(draft)  # This is atomic, and fails if another process was faster.
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{path.name.upper()} is not set, and none could be kept: {error}") from None
