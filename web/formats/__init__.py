"""How dates are written where Django writes them otherwise. FORMAT_MODULE_PATH names this package."""
