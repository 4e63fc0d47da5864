"""Cost rules: pure functions from a Node to an OpCost."""
