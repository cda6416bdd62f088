"""Shrunk trainings on a CPU: the smoke run, and the comparison of methods."""
