"""What the verbs of the command line share: parsing, refusing, writing, where a result came from."""
