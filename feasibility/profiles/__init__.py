"""Describe devices, runtimes and networks in YAML; every number with its source."""
