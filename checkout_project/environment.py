"""Strict readers of environment variables.

django-environ reads `.env` and `NAME_FILE`; its casts are too forgiving for a product that moves money (any text that
isn't "true" is False, a leading `$` is a reference), so the values are read here. Blank counts as unset. Whatever is
wrong ends in one `ImproperlyConfigured` that names the variable and never repeats a secret's value.
"""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class Environment:
    """The process environment, completed by a `.env` file; real variables win over the file's."""

    def __init__(self, dotenv: Path) -> None:
        environ.Env.read_env(dotenv)
        self._values = environ.FileAwareEnv().ENVIRON

    def text(self, name: str, default: str | None = None) -> str:
        """The variable's text, stripped; `default` if unset; without a default it is required."""
        try:
            value = str(self._values.get(name, "")).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"the file named by {name}_FILE can't be read: {error}") from None
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set; .env.example says what it is")
        return default

    def number(self, name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
        """A whole number of at least `minimum`, and at most `maximum`."""
        raw = self.text(name, str(default))
        if not raw.isascii() or not raw.isdigit() or int(raw) < minimum:
            raise ImproperlyConfigured(f"{name} must be a whole number of at least {minimum}, not {raw!r}")
        if maximum is not None and int(raw) > maximum:
            raise ImproperlyConfigured(f"{name} must be at most {maximum}, not {raw!r}")
        return int(raw)

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
        """One of `allowed`."""
        value = self.text(name, default)
        if value not in allowed:
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def words(self, name: str) -> list[str]:
        """A comma-separated list."""
        return [word.strip() for word in self.text(name, "").split(",") if word.strip()]

    def secret(self, name: str, *, generated_in: Path | None, make: Callable[[], str] | None = None) -> str:
        """A secret: required, unless a local start may make its own once and keep it in the folder `generated_in`."""
        value = self.text(name, "")
        if value or generated_in is None:
            return value or self.text(name)
        return _kept_secret(generated_in / name.lower(), make or (lambda: secrets.token_urlsafe(50)))


def _kept_secret(path: Path, make: Callable[[], str]) -> str:
    """The file's content; the first of several simultaneous starts writes it, for its owner only."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_suffix(f".{secrets.token_hex(4)}")
            draft.touch(mode=0o600)
            draft.write_text(make())
            try:
                path.hardlink_to(draft)  # atomic, and fails if another start was faster
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{path.name.upper()} is not set, and none could be kept: {error}") from None
