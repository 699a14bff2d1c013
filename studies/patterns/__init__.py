"""Questions to the exact theory of sparse patterns."""
