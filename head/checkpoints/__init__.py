"""Checkpoints: reading what is not trusted, checking what fits, saving, continuing."""
