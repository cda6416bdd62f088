"""`submit`: what can be checked of runs without their weights, as folders for the ledger."""

import os
import tempfile
from typing import List, Tuple

from ..errors import DONE, RequestError
from ..judging.earlier_result import result_of_run
from ..judging.verdict import sentence
from ..ledger.entries import LEDGER
from ..ledger.submission import Files, files_of, place_of
from ..ledger.submission_check import check_submission
from ..request import Request
from ..results.run import read_run
from ..results.verdict_file import VERDICT
from ..results.work_dir import open_folder
from ..support.atomic_write import atomic_path
from ..support.folders import require_place


def checked(folder: str) -> Tuple[str, Files, str]:
    """A work dir's place in the ledger, its files, and its verdict in one line.

    Raises:
        RequestError: it would not be accepted.
    """
    verdict, files = files_of(folder)
    place = place_of(verdict, files[VERDICT])
    with tempfile.TemporaryDirectory() as root:
        path = os.path.join(root, place)
        write(path, files)
        try:
            check_submission(path)
        except RequestError as error:
            raise RequestError(f'{folder}: {str(error).replace(path + os.sep, "")}') from error
        result = result_of_run(read_run(path))
    return place, files, sentence(result.name, result.judged())


def write(folder: str, files: Files) -> None:
    """Write a submission's files."""
    os.makedirs(folder)
    for name, content in files.items():
        with atomic_path(os.path.join(folder, name)) as temporary, open(temporary, 'wb') as file:
            file.write(content)


def run(request: Request) -> int:
    """The command `submit`; returns its exit status.

    Raises:
        RequestError: no work dirs; one of no run, or of one that would not be accepted, or is submitted already.
            Nothing is written then.
    """
    if not request.words:
        raise RequestError('submit needs work dirs in which train, eval, smoke or mini have left a verdict.json')
    out = request.get('out') or LEDGER
    require_place(out, 'out')
    found: List[Tuple[str, Files, str]] = []
    for folder in request.words:
        one = checked(folder)
        if os.path.lexists(os.path.join(out, one[0])) or one[0] in [place for place, _, _ in found]:
            raise RequestError(f'{folder}: is in the ledger already: {os.path.join(out, one[0])}')
        found.append(one)
    open_folder(out, f'out={out}')
    for place, files, line in found:
        write(os.path.join(out, place), files)
        size = sum(map(len, files.values()))
        print(f'written: {os.path.join(out, place)} ({len(files)} files, {size / 1e3:.0f} kB): {line}')
    name = os.path.basename(found[0][0])
    print('Look through it: paths, hosts and mail addresses are taken out, and nothing else. To send it in, from a '
          'clone of your fork:')
    print(f'    git switch -c results-{name} && git add {out} && git commit -m "results: {found[0][0]}" && '
          'git push -u origin HEAD')
    print('and open a pull request: docs/results.md')
    return DONE
