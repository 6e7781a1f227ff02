"""What orders tell whoever listens. Both are sent inside the sender's transaction, with the order locked: what a
receiver writes is committed with the order, or not at all."""

from django.dispatch import Signal

order_created = Signal()
"""Sent with `order`, whose row has just been inserted under `lock_appmax_order`; with `said` too if it was created as
Appmax has it."""

order_answered = Signal()
"""Sent with `order`, which has the status that Appmax has just said, and `is_correction`: what had moved it forward
wasn't true. Receivers return whether something of theirs needs another answer."""
