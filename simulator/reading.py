"""Reading a caller's body, and refusing it as Appmax does."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeGuard

from flask import abort, jsonify, make_response, request
from stdnum.br import cnpj, cpf


def refuse(status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> NoReturn:
    """End the request with this JSON."""
    abort(make_response(jsonify(body), status, dict(headers or {})))


NOT_VALID = {"message": "The given data failed to pass validation."}  # beside the errors on some pages


def refuse_fields(errors: dict[str, str], **beside: str) -> None:
    """End the request with 422 if there are errors; they are by field, with what else the call's page shows."""
    if errors:
        refuse(422, {**beside, "errors": {"message": {name: [text] for name, text in errors.items()}}})


def json_body() -> dict[str, Any]:
    """The body, if it is a JSON object; an empty one otherwise."""
    return as_object(request.get_json(silent=True))


def as_object(value: Any) -> dict[str, Any]:
    """The value, if it is a JSON object; an empty one otherwise."""
    return value if isinstance(value, dict) else {}


def require_texts(body: dict[str, Any], *names: str) -> dict[str, str]:
    """These fields, all texts that aren't blank."""
    texts = {name: body[name].strip() for name in names if isinstance(body.get(name), str) and body[name].strip()}
    refuse_fields({name: f"The {name} field is required." for name in names if name not in texts})
    return texts


def is_whole(value: Any) -> TypeGuard[int]:
    """Whether this is a JSON integer."""
    return type(value) is int


def is_number_in(value: Any, least: float, most: float) -> bool:
    """Whether this is a JSON number from `least` to `most`. To Python true and false are integers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def from_form(form: Mapping[str, str]) -> dict[str, Any]:
    """A form's fields as JSON would have them: numbers, true and false, texts; what is left blank is left out."""
    return {name: _value(text.strip()) for name, text in form.items() if text.strip()}


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch("-?[0-9]{1,18}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?[0-9]{1,18}[.][0-9]{1,18}", text) else text


def is_document(value: Any) -> bool:
    """Whether this is a CPF or CNPJ whose check digits are right."""
    return isinstance(value, str) and (cpf.is_valid(value) or cnpj.is_valid(value))
