"""Where things are unless a key says otherwise, relative to the project."""

COCO = 'data/coco'
PRETRAINED = 'pretrained'
WORK_DIRS = 'work_dirs'
