"""The signals of orders. Both are sent inside the sender's transaction, with the order locked, so that what a receiver
writes is committed together with the order or not at all."""

from django.dispatch import Signal

order_created = Signal()
"""Sent with `order`, whose row has just been inserted under `lock_appmax_order`. If the order was created as Appmax has
it, `said` is its status there."""

order_answered = Signal()
"""Sent with `order`, which has the status that Appmax has just said, and with `is_correction`, which tells that what
had moved the order forward wasn't true. A receiver returns whether something of its own needs another answer."""
