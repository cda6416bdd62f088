"""What COCO is: folders, annotations, categories, subsets, the drawn set."""
