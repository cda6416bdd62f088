"""How fast what is not the GPU is, beside mmdet's own, in one run."""
