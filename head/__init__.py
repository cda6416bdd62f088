"""HEAD (HEtero-Assists Distillation, ECCV 2022), made reproducible.

Importing this package is light: no torch, no mmcv. The method itself is `head.method`, an mmdet plug-in that imports
nothing of the rest.
"""

__version__ = '0.2.0'
