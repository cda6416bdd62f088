"""`submit`: what can be checked of runs without their weights, as folders for the ledger."""

import os
import shlex
import tempfile
from typing import List, Tuple

from ..catalog import ROOT
from ..errors import DONE, RequestError
from ..judging.verdict import sentence
from ..ledger import results_table
from ..ledger.entries import LEDGER
from ..ledger.submission import Files, files_of, place_of
from ..ledger.submission_check import check_submission
from ..request import Request
from ..results.verdict_file import VERDICT
from ..results.work_dir import open_folder
from ..support.folders import require_place
from ..support.printed_text import printable


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
            result = check_submission(path).result
        except RequestError as error:
            raise RequestError(f'{folder}: {str(error).replace(path + os.sep, "").replace(path + ": ", "")}') from error
    return place, files, sentence(result.name, result.judged())


def write(folder: str, files: Files) -> None:
    """Write a submission's files to a new folder."""
    os.makedirs(folder)
    for name, content in files.items():
        with open(os.path.join(folder, name), 'wb') as file:
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
        require_place(os.path.join(out, os.path.dirname(one[0])), 'out')
        found.append(one)
    open_folder(out, f'out={out}')
    with tempfile.TemporaryDirectory(dir=out, prefix='.') as whole:
        for place, files, _ in found:
            write(os.path.join(whole, place), files)
        for place, _, _ in found:
            os.makedirs(os.path.dirname(os.path.join(out, place)), exist_ok=True)
            os.rename(os.path.join(whole, place), os.path.join(out, place))
    for place, files, line in found:
        size = sum(map(len, files.values()))
        print(f'written: {os.path.join(out, place)} ({len(files)} files, {size / 1e3:.0f} kB): {printable(line, 300)}')
    say_how_to_send(out, found[0][0])
    return DONE


def say_how_to_send(out: str, place: str) -> None:
    """The next steps; in the project's own ledger the tables that are made of it are renewed first."""
    changed = [out]
    if os.path.realpath(out) == os.path.realpath(ROOT / LEDGER):
        changed += results_table.renew()
    print('Look through it: names that you gave to files, or wrote into a config, are still there. To send it in, '
          'from a clone of your fork:')
    print(f'    git switch -c results-{os.path.basename(place)} && git add {" ".join(map(shlex.quote, changed))} && '
          f'git commit -m "results: {place}" && git push -u origin HEAD')
    print('and open a pull request: docs/results.md')
