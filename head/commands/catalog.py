"""`catalog`: what can be reproduced, as a table or json."""

import msgspec

from ..catalog import coco, files, models, released
from ..errors import DONE
from ..ledger.results_table import markdown
from ..request import Request
from ..support.atomic_write import write_json


def run(request: Request) -> int:
    """The command `catalog`; returns its exit status."""
    print(markdown())
    if request.get('json'):
        content = dict(models=models(), files=files(), coco=coco(), released=released())
        write_json(request.get('json'), msgspec.to_builtins(content))
    return DONE
