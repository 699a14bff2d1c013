"""Questions, one file each (`simulate` makes a labelled dataset, `draw` its figure), and the command line."""
