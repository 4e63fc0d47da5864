"""Look at counts in other ways: by module, over a dimension, against another model."""
