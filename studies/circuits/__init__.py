"""Questions to trained attention that runs as a network in Brian2."""
