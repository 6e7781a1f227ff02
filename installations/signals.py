"""The signal of installations. It is sent inside the sender's transaction, with the installation locked."""

from django.dispatch import Signal

handed_over = Signal()
"""Sent with `installation`, whose payments go to another Appmax account from now on. Its API keys were revoked."""
