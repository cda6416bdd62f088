"""How fast training, inference and evaluation are beside mmdet's own, in one run."""
