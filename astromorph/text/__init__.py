"""Reading words without attention: n-grams, word vectors, and labels for reviews that have none."""
