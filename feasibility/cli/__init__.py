"""The command line: parse, call api, render, exit."""
