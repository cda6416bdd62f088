"""What the check of all images costs an epoch once it is remembered: `python -m tests.coco.reading_cost COCO_FOLDER`.

At an epoch's beginning, of a start: each file's size and times are looked up. In it: each image's size is compared.
"""

import sys
import time
from statistics import median

from head import catalog
from head.coco.folder import check_split
from head.engine.building import building
from head.engine.configuration import load_config, set_data_root
from head.engine.training_set import build_training_set, on_arrays
from head.support.quiet import quietly

ROUNDS = 4


def seconds(data_set):
    """CPU seconds of reading all images, without what augments them."""
    begin = time.process_time()
    for number in range(len(data_set)):
        info = data_set.data_infos[number]
        results = dict(img_info=info, ann_info=data_set.get_ann_info(number), img_prefix=data_set.img_prefix,
                       seg_prefix=None, proposal_file=None, bbox_fields=[], mask_fields=[], seg_fields=[])
        data_set.pipeline.transforms[0](results)
    return time.process_time() - begin


def main(folder):
    """Print it."""
    from mmdet.datasets import build_dataset
    cfg = load_config(catalog.find_config('retinanet_r18')[0])
    set_data_root(cfg, folder)
    ann_file, images = cfg.data.train.ann_file, cfg.data.train.img_prefix
    check_split(ann_file, images)
    with quietly(), building('data.train'):
        plain = build_dataset(on_arrays(cfg.data.train))
    checked, starts = build_training_set(cfg), []
    for _ in range(ROUNDS):
        begin = time.process_time()
        check_split(ann_file, images)
        starts.append(time.process_time() - begin)
    # in turn, each first as often: the machine's speed changes
    pairs = [[seconds(one) for one in (plain, checked)[::order]][::order] for order in (1, -1) * ROUNDS]
    more = median(ours / theirs for theirs, ours in pairs) - 1
    print(f'reading: {1000 * median(theirs for theirs, _ in pairs) / len(plain):.2f} ms an image, {100 * more:+.2f} % '
          'with remembered checks')
    print(f'at the start: {1000 * median(starts) / len(plain):.3f} ms an image')


if __name__ == '__main__':
    main(sys.argv[1])
