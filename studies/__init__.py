"""Questions, one file each: `simulate` makes a labelled dataset, `draw` a figure from it; and the command line."""
