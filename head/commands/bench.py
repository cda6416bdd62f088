"""`bench`: speeds and memory beside stock mmdet's."""

import os
from typing import List

from ..bench.parts import measure, parts
from ..bench.speed_table import lines
from ..distributed.layout import Layout
from ..engine.device import choose_device
from ..engine.float32 import choose_tf32
from ..engine.run_facts import run_facts
from ..errors import DONE, RequestError
from ..fast.mixed_precision import check_amp
from ..request import Request
from ..results.work_dir import open_folder
from ..support.atomic_write import write_json
from ..support.note import note


def run(request: Request) -> int:
    """The command `bench`; returns its exit status.

    Raises:
        RequestError: a part or a row that there is not, or a device or a precision that is not available.
    """
    if request.get('json'):
        open_folder(os.path.dirname(request.get('json')) or '.', f'json={request.get("json")}')
    notes: List[str] = []
    device = choose_device(Layout(device=request.get('device')), notes.append)
    check_amp(request.get('amp'), device)
    choose_tf32(False, device)
    known = parts(request.get('config'), request.get('amp'), device)
    if device == 'cuda' or request.get('amp'):
        if 'limit' in request.words:
            raise RequestError('limit: it is measured on the CPU in float32 only; device=cpu, and no amp=')
        del known['limit']
    for word in request.words:
        if word not in known:
            raise RequestError(f'{word}: no part of the benchmark; there are {", ".join(known)}')
    note('\n'.join(notes))
    found = measure({name: part for name, part in known.items() if name in (request.words or known)},
                    request.get('data'), device)
    print('\n'.join(lines(found)))
    if request.get('json'):
        write_json(request.get('json'), dict(found, amp=request.get('amp'), **run_facts(device)))
    return DONE
