"""Transformers assembled from an attention mechanism: the encoder layer, and classifiers for text and images."""
