"""Questions to learned delays."""
