"""Grid search: axes, and products of them in an order that can be entered anywhere."""
