"""Runs as folders: open one, ask its model, go on with a text, export it."""
