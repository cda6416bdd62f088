"""COCO data: checking a folder, drawing the embedded set."""
