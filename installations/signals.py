"""What installations ask of whoever listens."""

from django.dispatch import Signal

figures_wanted = Signal()
"""Sent with `installations` (primary keys) by the back office's list; receivers return, for each that has any, a dict
by key: {"orders": number, "paid_cents": cents, "last_at": ISO time of the last change of an order}."""
