"""What developers and tests start: embedded servers, the whole stack, a smoke run. Never imported by the product."""
