"""A Redis that Sentinels watch dies, and its replica takes over, while the product may do no more than docs/deploy.md
grants it: nobody notices. A Redis Cluster is refused.

What is relied on, as the vendor says it:
- Sentinels agree by a quorum, and tell clients the primary:
  https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
- a user's rules: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from dev import services
from installations.models import Installation
from simulator.server import SimulatorServer
from tests.drills import servers
from tests.drills.conftest import manage
from tests.drills.load import Load
from tests.drills.test_redis import assert_nobody_noticed, everything, has_token, wait_for_each
from tests.support.processes import ROOT, wait_until

__all__ = ["everything"]  # a fixture that is made there

SERVER = shutil.which("redis-server")  # Debian's, as the wheel's has no Sentinel
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(SERVER is None and not os.environ.get("CI"), reason="redis-server is not installed"),
]
ADMIN, OURS, SENTINELS = "of-the-admin", "of-the-product", "of-the-sentinels"  # passwords


class Watched:
    """A Redis with a replica, whose two users are the admin and `appmax`, and three Sentinels."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        users = f"user default on >{ADMIN} ~* &* +@all\n{granted().replace('PASSWORD', OURS)}\n"
        (folder / "users").write_text(users)
        redis = ["aclfile " + str(folder / "users"), f"masterauth {ADMIN}", "repl-diskless-sync-delay 0"]
        first = self._start(*redis)
        self.ports = [first, self._start(*redis, f"replicaof 127.0.0.1 {first}")]
        watch = [f"sentinel monitor shop 127.0.0.1 {first} 2", f"sentinel auth-pass shop {ADMIN}"]
        quick = ["sentinel down-after-milliseconds shop 1000", "sentinel failover-timeout shop 5000"]
        protected = [f"requirepass {SENTINELS}", f"sentinel sentinel-pass {SENTINELS}"]
        self.sentinels = [self._start(*watch, *quick, *protected, sentinel=True) for _ in range(3)]
        wait_until(lambda: all(self._is_watched(port) for port in self.sentinels), seconds=30)

    def redis(self, port: int) -> Redis:
        return Redis("127.0.0.1", port, db=1, password=ADMIN)

    def primary(self) -> int:
        """The port, as the first Sentinel says."""
        return int(self._watched(self.sentinels[0])["port"])

    def kill(self, port: int) -> None:
        self._processes[port].kill()
        self._processes[port].wait(timeout=10)

    def _is_watched(self, port: int) -> bool:
        state = self._watched(port)
        return bool(state["num-slaves"] == 1 and state["num-other-sentinels"] == 2)

    def _watched(self, port: int) -> dict[str, Any]:
        state: Any = self._sentinel(port).sentinel_master("shop")
        return dict(state)

    def _sentinel(self, port: int) -> Redis:
        return Redis("127.0.0.1", port, password=SENTINELS)

    def _start(self, *lines: str, sentinel: bool = False) -> int:
        """The port of a new server, which may write into its configuration."""
        port = services.free_port()
        file = self._folder / f"{port}.conf"
        own = [f"port {port}", "bind 127.0.0.1", 'save ""', f"dir {self._folder}"]
        file.write_text("\n".join([*own, *lines]) + "\n")
        with (self._folder / f"{port}.log").open("wb") as log:
            command = [str(SERVER), str(file), *(["--sentinel"] if sentinel else [])]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self._stack.callback(process.wait, timeout=10)
        self._stack.callback(process.kill)
        client = self._sentinel(port) if sentinel else self.redis(port)
        servers.wait_for(lambda: _answers(client), process, self._folder / f"{port}.log")
        self._processes[port] = process
        return port


def _answers(client: Redis) -> None:
    try:
        client.ping()
    except RedisError as error:
        raise OSError from error


def granted() -> str:
    """The line of docs/deploy.md that makes our user."""
    [line] = re.findall(r"^user appmax .*$", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE)
    return str(line)


@pytest.fixture
def watched() -> Iterator[Watched]:
    with services.temporary_folder() as folder, ExitStack() as stack:
        yield Watched(folder, stack)


@pytest.fixture
def behind_sentinels(environment: dict[str, str], watched: Watched) -> dict[str, str]:
    return environment | {
        "CACHE_DRIVER": "redis",
        "REDIS_HOST": "",
        "REDIS_PORT": "",
        "REDIS_DB": "1",
        "REDIS_USERNAME": "appmax",
        "REDIS_PASSWORD": OURS,
        "REDIS_SENTINELS": ",".join(f"127.0.0.1:{port}" for port in watched.sentinels),
        "REDIS_SENTINEL_MASTER": "shop",
        "REDIS_SENTINEL_PASSWORD": SENTINELS,
    }


@pytest.fixture
def url(gunicorn: Callable[..., str], behind_sentinels: dict[str, str]) -> str:
    return gunicorn(**behind_sentinels | {"WEB_CONCURRENCY": "2"})


def test_the_replica_takes_over(
    everything: Callable[..., None],
    watched: Watched,
    shop: Installation,
    simulator: SimulatorServer,
    report: Any,
) -> None:
    first, second = watched.ports
    with Load() as load:
        everything(load, pause=1.5)  # An address may begin 20 installations a minute.
        wait_for_each(load, 3)
        assert has_token(watched.redis(first), shop)
        watched.kill(first)
        wait_for_each(load, 3)
        wait_until(lambda: watched.primary() == second, seconds=30)
        watched.redis(second).delete(f"appmax_checkout_merchant_token:{shop.pk}")
        wait_until(lambda: has_token(watched.redis(second), shop), seconds=30)
        wait_for_each(load, 3)

    refused = watched.redis(second).acl_log()
    used = {name.removeprefix("cmdstat_") for name in watched.redis(second).info("commandstats")}
    assert_nobody_noticed(load, simulator, report, "Redis behind Sentinels: kill -9, its replica takes over")
    assert refused == []
    assert set(re.findall(r"\+(\S+)", granted())) <= used


def test_our_user_may_do_nothing_else(watched: Watched) -> None:
    client = Redis("127.0.0.1", watched.ports[0], username="appmax", password=OURS)

    for command in ("GET somebody_elses", "KEYS *", "FLUSHDB", "CONFIG GET *", "SUBSCRIBE x", "ACL LIST"):
        with pytest.raises(NoPermissionError):
            client.execute_command(*command.split())  # type: ignore[no-untyped-call] # redis-py's own


def test_a_cluster_is_refused(environment: dict[str, str]) -> None:
    with services.temporary_folder() as folder:
        port = services.free_port()
        command = [str(SERVER), "--port", str(port), "--cluster-enabled", "yes", "--save", "", "--dir", str(folder)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            servers.wait_for(lambda: _answers(Redis(port=port)), process, folder / "log")
            cluster = {"CACHE_DRIVER": "redis", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port)}
            with pytest.raises(subprocess.CalledProcessError) as caught:
                manage(environment | cluster, "check")
        finally:
            process.kill()
            process.wait(timeout=10)

    assert "checkout.E005" in caught.value.stderr
