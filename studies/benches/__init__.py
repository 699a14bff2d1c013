"""Time and memory beside named alternatives."""
