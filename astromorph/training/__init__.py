"""How a model is trained: the loop, its optimisers, checkpoints, evaluation and processes."""
