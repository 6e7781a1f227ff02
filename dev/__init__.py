"""Tools that developers and tests start: embedded servers, the whole stack, a smoke run. The product imports none."""
