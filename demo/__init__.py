"""Made-up orders and webhooks, as believable as true ones: what `manage.py seed_demo` writes."""
