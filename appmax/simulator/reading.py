"""Reading a caller's body, and refusing it as Appmax does."""

from typing import Any, NoReturn, TypeGuard

from flask import abort, jsonify, make_response, request
from stdnum.br import cnpj, cpf


def refuse(status: int, body: dict[str, Any]) -> NoReturn:
    """End the request with this JSON."""
    abort(make_response(jsonify(body), status))


def refuse_fields(errors: dict[str, str]) -> None:
    """End the request with 422 if there are errors; they are by field."""
    if errors:
        refuse(422, {"errors": {"message": {name: [text] for name, text in errors.items()}}})


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


def is_document(value: Any) -> bool:
    """Whether this is a CPF or CNPJ whose check digits are right."""
    return isinstance(value, str) and (cpf.is_valid(value) or cnpj.is_valid(value))
