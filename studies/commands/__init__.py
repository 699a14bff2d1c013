"""The verbs of the command line, one a file: `run(words)` takes what follows the verb."""
