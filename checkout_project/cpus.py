"""How many processors this process may use: a container is often given fewer than the machine has."""

import os
from pathlib import Path

MOST_PROCESSES = 8
CONNECTIONS_OF_EACH = 4

_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # cgroup v2: "quota period" in microseconds, or "max period"


def usable(limit: Path = _LIMIT) -> int:
    """At least one; the cgroup's limit counts where there is one, rounded up."""
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = limit.read_text().split()
    except OSError:  # no container, or cgroup v1
        return allowed
    if quota == "max":
        return allowed
    return max(1, min(allowed, -(-int(quota) // int(period))))


def web_processes(processors: int, connections: int) -> int:
    """How many worker processes a group of gunicorn has, if nobody names their number: one for each processor, two at
    least, eight at most, and no more than leaves each of them four of the group's database connections."""
    return max(1, min(max(2, processors), MOST_PROCESSES, connections // CONNECTIONS_OF_EACH))
