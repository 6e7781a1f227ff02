"""Made-up orders and webhooks, as believable as true ones: what `python -m demo` writes."""
