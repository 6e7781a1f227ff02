"""What is done on the machine that dev/containers/__main__.py makes: docs/deploy.md to the letter, step by step."""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from dev.containers.load import CERTIFICATE, Answer, Caller, Load
from dev.containers.machine import (
    COMPOSE,
    HERE,
    Failed,
    attempt,
    containers,
    do,
    in_dotenv,
    manage,
    must,
    name_of,
    processor_seconds,
    quit_with,
    run,
    set_in_dotenv,
    show,
    title,
)

APP, APPMAX, KEY = "https://checkout.example.com", "http://appmax.example.com:9090", "loja-azul"
APPMAX_SAYS = {
    "APPMAX_CLIENT_ID": "an-app",
    "APPMAX_CLIENT_SECRET": "a-secret-of-the-simulated-appmax",
    "APPMAX_APP_ID_UUID": "6f1c1a52-5d3e-4c1e-9d0a-2f0a4d1b7c11",
    "APPMAX_APP_ID_NUMERIC": "4242",
}
ORDER = {
    "customer": {"first_name": "Ana", "last_name": "Souza", "email": "ana@example.com", "phone": "11987654321"}
    | {"document_number": "52998224725", "ip": "203.0.113.7"},
    "order": {"products": [{"sku": "CAM-01", "name": "Camiseta", "quantity": 1, "unit_value": 12990}]},
}
CARD = {"number": "4000000000000010", "cvv": "123", "expiration_month": "12", "expiration_year": "2039"}
CARD |= {"holder_name": "ANA SOUZA"}
NOT_IN_IMAGES = (
    "srv",
    "var/lib/docker",
    "usr/sbin/dockerd",
    "usr/bin/docker*",
    "usr/bin/containerd*",
    "usr/libexec/docker",
)
PAYMENT_SECONDS = 1.5  # what Appmax takes for a card, under load
REST_SECONDS = 60
MIGRATION = """from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("orders", "{after}")]
    operations = [migrations.RunSQL("{statement}", "")]
"""
TWO_OF_A_GROUP = """services:
  app:
    ports: !reset []
    deploy: {replicas: 2}
    environment: {WEB_GROUPS: "3"}
  quick:
    environment: {WEB_GROUPS: "3"}
"""


class Shop:
    """A storefront with its API key, and a shopper who pays."""

    def __init__(self, api_key: str) -> None:
        self.authorization = f"Api-Key {api_key}"

    def ask(self, method: str, path: str, body: object = None, caller: Caller | None = None) -> Answer:
        """Sends a request to one of the shop's routes under `/checkout/{KEY}/`."""
        url = f"{APP}/checkout/{KEY}/{path}"
        return (caller or Caller()).ask(method, url, body, Authorization=self.authorization)

    def sell(self) -> int:
        """Makes an order that is paid by Pix, waits until we know it, and returns its number at Appmax."""
        order = self.ask("POST", "pay/pix", ORDER | {"document_number": "52998224725"})
        must(order.status == 200, f"a Pix: {order.status}, {order.text[:60]}…")
        number = int(order.json()["order_id"])
        paid = time.monotonic()
        Caller().ask("POST", f"{APPMAX}/simulator/api/orders/{number}/pay", {})
        wait_until(lambda: self.status(number) == "aprovado", "the paid Pix is aprovado")
        show(f"order {number} is aprovado, {time.monotonic() - paid:.1f} s after its payment, by the webhook")
        return number

    def status(self, number: int) -> str:
        """The order's status; the answer's HTTP status, if that isn't 200."""
        answer = self.ask("GET", f"status/{number}")
        return str(answer.json()["status"]) if answer.status == 200 else str(answer.status)


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Raises Failed if it doesn't become true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


def base_images() -> None:
    """The images of a registry as they are, but for the folder of wheels; or stand-ins, under the very same tags."""
    title("base images")
    stand_ins = "/srv/stand_ins"
    archives = sorted(Path("/srv/images").glob("*.tar"))
    for archive in archives:
        show(run("docker", "load", "--input", str(archive)))
    if not archives:
        without = " ".join(f"--exclude=./{path}" for path in NOT_IN_IMAGES)
        run("sh", "-ec", f"tar --create --one-file-system {without} --directory / . | docker import - debian")
    for target, tag in {
        "python": "python:3.13-slim",
        "postgres": "postgres:16-alpine",
        "redis": "redis:7-alpine",
        "nginx": "nginx:1.28-alpine",
        "simulator": "simulator",
    }.items():
        if archives and target not in ("python", "simulator"):
            continue
        base = ("--build-arg", "PYTHON=python:3.13-slim") if archives else ()
        run("docker", "build", "--quiet", "--target", target, "--tag", tag, *base, stand_ins)
    show(run("docker", "images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}").replace("\n", ", "))


def install() -> Shop:
    """From `make install` to a paid Pix over https; returns the shop."""
    title("from an empty machine to a first paid Pix")
    show(f"{run('docker', '--version')}; {run(*COMPOSE, 'version')}")
    urls = do("make", "install", f"APP_URL={APP}")
    must(f"{APP}/integrations/appmax/callback/install" in urls, "the URLs for Appmax are printed")
    must((HERE / ".env").stat().st_mode & 0o777 == 0o600, ".env is its owner's alone")
    make_certificate()
    set_in_dotenv(COMPOSE_PROFILES="nginx")
    do(*COMPOSE, "up", "--detach", "--wait")
    show("Appmax mails the app's identity")
    set_in_dotenv(**APPMAX_SAYS, **dict.fromkeys(("APPMAX_AUTH_URL", "APPMAX_API_URL", "APPMAX_ADMIN_URL"), APPMAX))
    do(*COMPOSE, "up", "--detach", "--wait")
    start_simulator()
    return Shop(install_merchant())


def make_certificate() -> None:
    """Makes one for a day that is signed by itself, because no authority reaches this machine."""
    tls, ours = HERE / "ops" / "nginx" / "tls", Path(CERTIFICATE).parent
    key = str(ours / "privkey.pem")
    ours.mkdir()
    new = (
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-keyout",
        key,
        "-out",
        CERTIFICATE,
    )
    run(*new, "-subj", "/CN=checkout.example.com", "-addext", "subjectAltName=DNS:checkout.example.com")
    run("install", "-D", "-o", "101", "-m", "400", "-t", str(tls), CERTIFICATE, key)


def start_simulator() -> None:
    """The simulated Appmax, a container of its own, which reaches the product by its public address alone."""
    webhooks = f"{APP}/webhooks/appmax?token={in_dotenv('WEBHOOK_SECRET')}"
    variables = APPMAX_SAYS | {"SIMULATOR_HOST": "0.0.0.0", "SIMULATOR_WEBHOOK_URL": webhooks}  # noqa: S104
    options = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    authorities = run("docker", "run", "--rm", "simulator", "python3", "-m", "certifi")
    options += ["--volume", f"{CERTIFICATE}:{authorities}:ro", "--publish", "127.0.0.1:9090:9090"]
    options += ["--network", "appmax-checkout_default", "--network-alias", urlsplit(APPMAX).hostname or ""]
    options += ["--add-host", "checkout.example.com:host-gateway"]
    run("docker", "run", "--detach", "--name", "simulator", *options, "simulator")
    wait_until(is_simulated, "the simulated Appmax answers")
    show("the simulated Appmax runs in a container of its own")


def is_simulated() -> bool:
    """Whether the simulator answers."""
    try:
        return Caller().ask("GET", f"{APPMAX}/simulator/api/health").status == 200
    except OSError:
        return False


def install_merchant() -> str:
    """What the merchant's browser does, and the staff; returns the API key."""
    begin = Caller().ask("GET", f"{APP}/install/start?app_id={APPMAX_SAYS['APPMAX_APP_ID_UUID']}&external_key={KEY}")
    must(begin.status == 302 and begin.location.startswith(f"{APPMAX}/"), "a merchant installs, and is sent to Appmax")
    saved = Caller().ask("POST", begin.location)
    must(saved.location.startswith(f"{APP}/"), "the merchant presses Salvar, and comes back over https")
    must(Caller().ask("GET", saved.location).status == 200, "and is installed")
    return manage("create_api_key", "--installation", KEY, "--name", "shop")


def hosts() -> None:
    """Only the product's own name is answered, and no other one is sent anywhere."""
    title("Host through nginx")
    for scheme in ("http", "https"):
        for host in ("evil.example.net", "checkout.example.com.evil.example.net", "10.0.0.1"):
            refused = Caller().ask("GET", f"{scheme}://checkout.example.com/install/start", Host=host)
            must((refused.status, refused.location) == (400, ""), f"{scheme}, Host {host}: 400, sent nowhere")
    moved = Caller().ask("POST", "http://checkout.example.com/webhooks/appmax?token=x", {})
    seen = (moved.status, moved.location.split("?")[0])
    must(seen == (308, f"{APP}/webhooks/appmax"), "http, own Host: 308 to https")


def hardening() -> None:
    """What the engine and the kernel say of each container."""
    title("what the containers may do")
    for one in containers():
        host, pid = one["HostConfig"], one["State"]["Pid"]
        status = dict(re.findall(r"^(\w+):\s*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))
        uid = status["Uid"].split()[0]
        seen = {
            "read-only": host["ReadonlyRootfs"] and attempt("docker", "exec", one["Id"], "touch", "/x").returncode != 0,
            "no capability": int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0,
            "no new privileges": status["NoNewPrivs"] == "1",
            f"uid {uid}": uid != "0",
            f"{host['Memory'] >> 20} MiB": host["Memory"] > 0,
            f"{host['PidsLimit']} threads at most": bool(host["PidsLimit"]),
            "logs bounded": one["HostConfig"]["LogConfig"]["Config"].get("max-size") == "20m",
        }
        missing = [what for what, holds in seen.items() if not holds]
        must(not missing, f"{name_of(one)}: {', '.join(seen) if not missing else 'not ' + ', '.join(missing)}")
    open_ports = sorted(set(re.findall(r"(\S+:\d+)->", run("docker", "ps", "--format", "{{.Ports}}"))))
    show(f"reached from outside: {', '.join(open_ports)}")
    processes = run("docker", "top", "appmax-checkout-redis-1", "-eo", "pid,args")
    must(in_dotenv("REDIS_PASSWORD") not in processes, "Redis' password is not in the list of processes")


def at_rest() -> None:
    """Memory and processor of each container while nobody asks, its health check's share, and the log's lines."""
    title(f"at rest, {REST_SECONDS} s")
    everyone = containers()
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    before = [processor_seconds(one) for one in everyone]
    time.sleep(REST_SECONDS)
    after = [processor_seconds(one) for one in everyone]
    stats = run("docker", "stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}").splitlines()
    memory = dict(line.split("\t") for line in stats)
    show("| container | memory | processor a minute | one health check, in seconds of processor | it takes |")
    show("|---|---|---|---|---|")
    for one, first, last in zip(everyone, before, after, strict=True):
        used = (last - first) * 60 / REST_SECONDS
        took, cost = health_check(one)
        of = memory[one["Name"].removeprefix("/")].split(" /")[0]
        show(f"| {name_of(one)} | {of} | {used:.1f} s | {cost:.2f} | {took:.2f} s |")
        if one["State"]["Health"]["Status"] != "healthy":
            raise Failed(f"{name_of(one)} is not healthy")
    lines = run(*COMPOSE, "logs", "--no-log-prefix", "--since", since, "app", "quick", "worker", "nginx")
    must("/health" not in lines, f"{len(lines.splitlines())} lines of log meanwhile, none of a probe")


def health_check(container: dict[str, object]) -> tuple[float, float]:
    """Its seconds and its seconds of processor, the mean of five, with what else the container does meanwhile."""
    config = container["Config"]
    test = config["Healthcheck"]["Test"]  # type: ignore[index]
    command = test[1:] if test[0] == "CMD" else ["sh", "-c", test[1]]
    began, before = time.monotonic(), processor_seconds(container)
    for _ in range(5):
        run("docker", "exec", str(container["Id"]), *command)
    return (time.monotonic() - began) / 5, (processor_seconds(container) - before) / 5


def next_version(name: str, statement: str = "") -> None:
    """A commit more: a migration of this statement, or nothing but a new number."""
    folder = HERE / "orders" / "migrations"
    if statement:
        after = sorted(file.stem for file in folder.glob("0*.py"))[-1]
        number = int(after[:4]) + 1
        (folder / f"{number:04}_{name}.py").write_text(MIGRATION.format(after=after, statement=statement))
    run("git", "add", "--all")
    author = ("-c", "user.name=operator", "-c", "user.email=operator@example.com")
    run("git", *author, "commit", "--quiet", "--allow-empty", "--message", f"The next version: {name}")


def upgrade(shop: Shop, what: str, *, fails: bool = False, replicas: int = 1) -> None:
    """`make upgrade` while webhooks, status reads and payments come in."""
    order = shop.sell()
    token = in_dotenv("WEBHOOK_SECRET")
    before = {one["Id"] for one in containers("app", "quick", "worker")}
    charged, events = charges(), counted("webhook_events")

    def webhook(caller: Caller) -> Answer:
        event = {"event": "customer_created", "event_type": "customer", "data": {"n": time.monotonic_ns()}}
        return caller.ask("POST", f"{APP}/webhooks/appmax?token={token}", event)

    def status(caller: Caller) -> Answer:
        return shop.ask("GET", f"status/{order}", caller=caller)

    def payment(caller: Caller) -> Answer:
        return shop.ask("POST", "pay/credit-card", ORDER | {"payment": CARD}, caller=caller)

    slow = {"path": "/v1/payments/credit-card", "hang": PAYMENT_SECONDS, "times": 0}
    Caller().ask("POST", f"{APPMAX}/simulator/api/faults", slow)
    began = time.monotonic()
    with Load() as load:
        for name, call in {"webhook": webhook, "status": status, "payment": payment}.items():
            load.add(name, call)
        time.sleep(5)
        done = attempt("make", "upgrade")
        time.sleep(5)
    for line in [*done.stdout.splitlines(), *done.stderr.splitlines()]:
        if re.match("keeping|building|naming|checking|migrating|replacing|starting|FAILED", line):
            show(f"  {line}")
    Caller().ask("DELETE", f"{APPMAX}/simulator/api/faults")
    show(f"{what}: exit code {done.returncode}, {time.monotonic() - began:.0f} s under load")
    if (done.returncode != 0) != fails:
        raise Failed(done.stdout[-2000:] + done.stderr[-3000:])
    same = before & {one["Id"] for one in containers("app", "quick", "worker")}
    must(same == (before if fails else set()), "nothing was replaced" if fails else "each container was replaced")
    must(len(containers("app")) == replicas, f"containers of the group app: {replicas}")
    must(all(name.endswith(" 200") for name in load.answers), f"{load.answers.total()} requests: {load.says()}")
    new = charges() - charged
    must(new == load.answers["payment 200"], f"{new} charges of {load.answers['payment 200']} payments")
    kept = counted("webhook_events") - events
    told = load.answers["webhook 200"]
    must(kept >= told, f"{told} webhooks answered 200 are all in the table")


def charges() -> int:
    """How often Appmax has taken a card's money."""
    orders = Caller().ask("GET", f"{APPMAX}/simulator/api/orders").json()
    most = max(order["charges"] for order in orders)
    if most > 1:
        raise Failed(f"an order was charged {most} times")
    return sum(order["charges"] for order in orders)


def counted(table: str) -> int:
    """The rows of a table of the database in use."""
    database = in_dotenv("DB_DATABASE") or "appmax_checkout"
    query = f"SELECT count(*) FROM {table}"  # noqa: S608 - the name is ours
    return int(run(*COMPOSE, "exec", "-T", "postgres", "psql", "-U", "postgres", "-At", database, "-c", query))


def upgrades(shop: Shop) -> None:
    """A migration that takes its time, one that fails, and two containers of one group."""
    title("an upgrade under load, with a migration that sleeps 12 s")
    next_version("sleeps", "SELECT pg_sleep(12)")
    upgrade(shop, "make upgrade")
    title("an upgrade under load, with a migration that fails")
    next_version("fails", "SELECT 1 / 0")
    upgrade(shop, "make upgrade", fails=True)
    run("git", "reset", "--quiet", "--hard", "HEAD~")
    old = [one["Id"] for one in containers()]
    do(*COMPOSE, "up", "--detach", "--wait")
    must(old == [one["Id"] for one in containers()], "nor is anything by the next up")
    title("an upgrade under load, with two containers of the group app")
    (HERE / "docker-compose.override.yml").write_text(TWO_OF_A_GROUP)
    do(*COMPOSE, "up", "--detach", "--wait")
    next_version("two")
    upgrade(shop, "make upgrade", replicas=2)


def backups(shop: Shop) -> None:
    """Backup, restore, backup again, and that one on a new machine."""
    title("backup, restore, backup again, and a new machine")
    first = shop.sell()
    dump = dump_of(do("make", "backup"))
    lost = shop.sell()
    do("make", "restore", f"DUMP={dump}")
    must(shop.status(first) == "aprovado", "the order before the backup is there")
    show(f"the order after it: {shop.status(lost)}")
    second = shop.sell()
    again = do("make", "backup")
    restored = in_dotenv("DB_DATABASE")
    must(f"{restored} is in" in again, f"the second backup is of the restored database, {restored}")
    show("the machine is lost, and with it its volumes; .env, the dump and the checkout are there")
    run(*COMPOSE, "down", "--volumes")
    do(*COMPOSE, "build")
    do("make", "restore", f"DUMP={dump_of(again)}")
    must(shop.status(first) == shop.status(second) == "aprovado", "both orders are there")
    shop.sell()


def dump_of(printed: str) -> str:
    """The dump's path, in what `make backup` prints."""
    found = re.search(r"is in (\S+\.dump)", printed)
    if found is None:
        raise Failed(f"no dump is named: {printed}")
    return found[1]


def faults(shop: Shop) -> None:
    """The commands of docs/drills.md, while the shop sells."""
    title("docs/drills.md, by hand")
    order = shop.sell()
    do(*COMPOSE, "kill", "--signal", "KILL", "redis")
    shop.sell()
    do(*COMPOSE, "start", "redis")
    do(*COMPOSE, "kill", "--signal", "KILL", "postgres")
    must(shop.status(order) == "503", "without PostgreSQL: 503")
    do(*COMPOSE, "start", "postgres")
    wait_until(lambda: shop.status(order) == "aprovado", "PostgreSQL is back, and so is the order")
    do(*COMPOSE, "kill", "--signal", "KILL", "worker")
    do(*COMPOSE, "start", "worker")
    do(*COMPOSE, "kill", "--signal", "HUP", "app")
    shop.sell()
    do(*COMPOSE, "exec", "-T", "redis", "redis-cli", "config", "set", "maxmemory", "1mb")
    shop.sell()
    do(*COMPOSE, "exec", "-T", "redis", "redis-cli", "config", "set", "maxmemory", "0")
    shop.sell()


def rotation(shop: Shop) -> None:
    """SECURITY.md's way to a new FIELD_ENCRYPTION_KEYS."""
    title("a new FIELD_ENCRYPTION_KEYS")
    old, new = in_dotenv("FIELD_ENCRYPTION_KEYS"), run("make", "--silent", "key")
    start_anew = (*COMPOSE, "up", "--detach", "--wait")
    set_in_dotenv(FIELD_ENCRYPTION_KEYS=f"{old},{new}")
    do(*start_anew)
    set_in_dotenv(FIELD_ENCRYPTION_KEYS=f"{new},{old}")
    early = attempt(*COMPOSE, "run", "--rm", "--no-deps", "-T", "app", "python", "manage.py", "rotate_secrets")
    must(early.returncode != 0, f"too early, it is refused: {early.stderr.strip().splitlines()[-1]}")
    upgrade(shop, "make upgrade, which starts anew too", replicas=2)
    show(do(*COMPOSE, "exec", "-T", "app", "python", "manage.py", "rotate_secrets"))
    set_in_dotenv(FIELD_ENCRYPTION_KEYS=new)
    do(*start_anew)
    used = run(*COMPOSE, "exec", "-T", "app", "printenv", "FIELD_ENCRYPTION_KEYS")
    must(used == new, "the web has the new key alone")
    must("checkout." not in manage("check", "--database", "default"), "no stored secret needs another key")
    shop.sell()


def logs() -> None:
    """Every line of the product's own processes is JSON."""
    title("logs")
    for one in containers("app", "quick", "worker"):
        service, said = name_of(one), attempt("docker", "logs", one["Id"])
        lines = (said.stdout + said.stderr).splitlines()
        odd = [line for line in lines if not (line.startswith("{") and line.endswith("}"))]
        must(not odd, f"{service}: {len(lines)} lines, {'each of them JSON' if not odd else 'not JSON: ' + odd[0]}")
        probes = [line for line in lines if '"/health' in line]
        must(not probes, f"{service}: none of a probe")


def stop() -> None:
    """They end by themselves when they are told to."""
    title("the end")
    everyone = containers()
    do("make", "down")
    show(f"{len(everyone)} containers are gone")


def main() -> int:
    """0, or 1 after the first step that hasn't shown what it has to show."""
    try:
        base_images()
        shop = install()
        shop.sell()
        hosts()
        hardening()
        at_rest()
        faults(shop)
        upgrades(shop)
        backups(shop)
        rotation(shop)
        logs()
        stop()
    except Failed as error:
        return quit_with(error)
    title("all of it has held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
