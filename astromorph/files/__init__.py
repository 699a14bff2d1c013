"""Files that are written whole or not at all, locked while they are, and read strictly."""
