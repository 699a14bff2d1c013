"""Pages, tables and figures of runs and datasets."""
