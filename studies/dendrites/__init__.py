"""Questions to dendritic segments, simulated and trained."""
