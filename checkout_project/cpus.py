"""How many processors this process may use: a container is often given fewer than the machine has."""

import os
from pathlib import Path

MOST_PROCESSES = 8
CONNECTIONS_OF_EACH = 4

_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # cgroup v2: "quota period" in microseconds, or "max period"


def usable(limit: Path = _LIMIT) -> int:
    """The number of usable processors, at least 1. A cgroup's limit is rounded up."""
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = limit.read_text().split()
    except OSError:  # This is no container, or cgroup v1 is in use.
        return allowed
    if quota == "max":
        return allowed
    return max(1, min(allowed, -(-int(quota) // int(period))))


def web_processes(processors: int, connections: int) -> int:
    """The default number of worker processes in a group of gunicorn.

    It is one for each processor, with two at least and eight at most, and fewer if a process would otherwise have less
    than four of the group's database connections.
    """
    return max(1, min(max(2, processors), MOST_PROCESSES, connections // CONNECTIONS_OF_EACH))
