"""Turn results into text, JSON and Markdown; one file per format."""
