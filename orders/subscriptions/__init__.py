"""Subscriptions: a paid order that Appmax renews by itself.

1. A storefront makes one of a paid order, pauses it, reactivates it, cancels it (`manage`). Staff do the same.
2. Appmax charges the shopper. A webhook tells so, and isn't believed: it puts a question (`SubscriptionQuestion`).
3. The worker asks Appmax (`ask`), and what it says is written and told to the storefront (`record`).

Each renewal is a new order of Appmax's, which is adopted as any other (`orders.questions.ask.adopt`). Its number stands
among the subscription's charges.
"""
