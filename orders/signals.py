"""What orders tell whoever listens."""

from django.dispatch import Signal

order_created = Signal()
"""Sent with `order` inside the transaction that inserts it, under `lock_appmax_order`: what a receiver writes is
committed with the order, or not at all."""

status_corrected = Signal()
"""Sent with `order`, locked, inside the transaction in which Appmax's answer has moved it backwards: what had moved it
forward wasn't true."""
