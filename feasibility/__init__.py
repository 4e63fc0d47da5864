"""Say whether a model should run on the device or on a server."""
