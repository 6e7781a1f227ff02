"""Programs that use the product from outside, for whoever writes one of their own."""
