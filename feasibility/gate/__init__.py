"""Hold models to budgets that a repository sets itself: in a file beside them, against a baseline in git."""
