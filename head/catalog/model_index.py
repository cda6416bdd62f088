"""The catalog in OpenMMLab's form.

`python -m head.catalog.model_index` writes model-index.yml and the metafiles again.
"""

from collections import defaultdict
from pathlib import PurePosixPath
from typing import Any, Dict, List

import yaml

from ..support.atomic_write import write_text
from . import ROOT, Model, files, models

HEAD = ('HEAD: HEtero-Assists Distillation for Heterogeneous Object Detectors', '2207.05345')
PAPERS = dict(
    faster_rcnn=('Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks', '1506.01497'),
    fitnet=('FitNets: Hints for Thin Deep Nets', '1412.6550'),
    retinanet=('Focal Loss for Dense Object Detection', '1708.02002'))
"""Folder of configs -> title and arXiv number; of the others it is `HEAD`."""

COMMENT = '# made by python -m head.catalog.model_index\n'

TECHNIQUES = ['SGD with Momentum', 'Weight Decay']
ARCHITECTURE = {'MNv2': 'MobileNet V2', 'R18': 'ResNet-18', 'R50': 'ResNet-50'}


class _Indented(yaml.SafeDumper):
    """Indents lists, as yamllint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _model(row: Model) -> Dict[str, Any]:
    """One row; those without a reported figure have no results."""
    backbone, _, detector = row.student.partition(' ')
    found: Dict[str, Any] = {
        'Name': row.alias,
        'In Collection': PurePosixPath(row.config).parts[1],
        'Config': row.config,
        'Metadata': {'Epochs': row.epochs, 'Architecture': [ARCHITECTURE[backbone], 'FPN', detector]},
    }
    if row.reported:
        found['Results'] = [{'Task': 'Object Detection', 'Dataset': 'COCO', 'Metrics': {'box AP': row.reported}}]
    if row.checkpoint:
        found['Weights'] = files()[row.checkpoint].address
    return found


def texts() -> Dict[str, str]:
    """Path in the project -> text, of the index and of every metafile."""
    folders: Dict[str, List[Model]] = defaultdict(list)
    for row in models().values():
        folders[str(PurePosixPath(row.config).parent)].append(row)
    found: Dict[str, Dict[str, Any]] = {}
    for folder, rows in folders.items():
        name = PurePosixPath(folder).name
        title, number = PAPERS.get(name, HEAD)
        collection = {
            'Name': name,
            'Metadata': {'Training Data': 'COCO', 'Training Techniques': TECHNIQUES},
            'Paper': {'Title': title, 'URL': f'https://arxiv.org/abs/{number}'},
            'README': '../../README.md',  # from the metafile
        }
        found[f'{folder}/metafile.yml'] = dict(Collections=[collection], Models=[_model(row) for row in rows])
    found['model-index.yml'] = dict(Import=sorted(found))
    return {path: COMMENT + yaml.dump(content, Dumper=_Indented, sort_keys=False, width=1000, allow_unicode=True)
            for path, content in found.items()}


if __name__ == '__main__':
    for path, text in texts().items():
        write_text(ROOT / path, text)
