"""gunicorn.conf.py, read as gunicorn reads it."""

import runpy
import sys
from typing import Any

from observability import logs
from tests.support.processes import ROOT

_READ_ANEW = ("checkout_project", "observability", "web")  # modules that the file forgets, and then imports


def read() -> dict[str, Any]:
    """What it says with the environment as it is. Afterwards this process has the modules that it had before, and no
    others: a test that met a second copy of one would see settings, classes and locks that nobody else uses. The log,
    which the copy has set up as well, is this process's again."""
    before = dict(sys.modules)
    try:
        return runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    finally:
        for name in list(sys.modules):
            if name.partition(".")[0] in _READ_ANEW and name not in before:
                del sys.modules[name]
        sys.modules.update({name: each for name, each in before.items() if name.partition(".")[0] in _READ_ANEW})
        logs.configure_structlog()
