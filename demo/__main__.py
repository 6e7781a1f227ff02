"""`python -m demo`: see demo/command.py."""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "checkout_project.settings")
django.setup()

from demo.command import Command  # noqa: E402 - Django must be ready

Command().run_from_argv(["python -m", "demo", *sys.argv[1:]])
