"""How much faster the evaluator is than pycocotools: `scripts/run python -m tests.results.evaluator_speed`.

On 5000 images of generated detections, about 60 an image; both in turn, three times.
"""

import time

from head.results.coco_metrics import coco_scores

from .test_coco_metrics import generated, pycocotools_stats


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


if __name__ == '__main__':
    truth, detections = generated(5000, 100)
    for _ in range(3):
        ours, reference = seconds(coco_scores, truth, detections), seconds(pycocotools_stats, truth, detections)
        print(f'{len(detections)} detections: {ours:.1f} s, pycocotools {reference:.1f} s: {reference / ours:.1f} x')
