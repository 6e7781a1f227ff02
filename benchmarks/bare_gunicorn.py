"""gunicorn's configuration for the bare view: the product's own, but for the keys, of which the bare view has none."""

from runpy import run_path
from typing import Any

globals().update(run_path("gunicorn.conf.py"))


def post_worker_init(worker: Any) -> None:
    """Does nothing, in place of the product's, which notes the keys in use."""
