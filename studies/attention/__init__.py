"""Questions to attention: what its effects buy, and how far physiology reaches."""
