"""C++ beside the plain formulas: how it is built on the user's machine."""
