"""A miniature of the paper's comparison: which methods help, in minutes, on a CPU."""
