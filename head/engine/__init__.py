"""Training and evaluation on mmcv's runner and mmdet's datasets."""
