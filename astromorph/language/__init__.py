"""Language models: the network, its word bands, and the trial for leaks before training."""
