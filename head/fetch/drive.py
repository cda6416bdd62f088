"""Google Drive: a folder's listing, and a file behind its confirmation page. Reads Drive's pages with gdown."""

import functools
import multiprocessing
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from http.cookiejar import LoadError, MozillaCookieJar
from multiprocessing.pool import ThreadPool
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Iterable, List, Set, Tuple, TypeVar, Union
from urllib.parse import quote

import requests
from gdown.download import _sanitize_filename, get_url_from_gdrive_confirmation
from gdown.download_folder import _GoogleDriveFile, _parse_google_drive_file
from gdown.exceptions import FileURLRetrievalError

from ..errors import EnvironmentFault, HeadError, RequestError
from ..support.container import container_image
from ..support.folders import WORK_DIRS
from ..support.printed_text import printable
from .download import Source
from .retry import Fault, Retry, RetryableError, check_status
from .web import UnusableAnswer, get, is_encoded, read_page

LIMIT = 50
"""Entries of one folder that Drive's page shows."""

LISTING_SECONDS = 120
"""For the whole listing: gdown sets no timeout of its own."""

PAGES = 3
"""Confirmation pages followed for one file."""

QUOTA = re.compile('too many users have|quota exceeded', re.IGNORECASE)
"""What Drive's page says of a file that too many have downloaded."""

ID = re.compile(r'[\w-]{10,}')

COOKIES = (os.path.join(WORK_DIRS, 'cookies.txt'), os.path.join('~', '.cache', 'gdown', 'cookies.txt'))
"""Where cookies may be, here first or where gdown keeps them; those of a signed-in browser lift some refusals."""

AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.102 Safari/537.36'
"""Drive gives programs it does not know other pages."""

FOLDER_AGENT = ('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) '
                'Chrome/98.0.4758.102 Safari/537.36')
"""gdown's for the pages of folders."""

FOLDERS = 200
"""Read of one listing; the authors' folder has some tens."""

T = TypeVar('T')


@dataclass(frozen=True)
class Listing:
    """A folder's files, id by path, and the folders in it that were shown only in part."""

    files: Dict[str, str]
    cut: Tuple[str, ...]


def folder_address(folder: str) -> str:
    """What a person opens to see the folder."""
    return f'https://drive.google.com/drive/folders/{quote(folder, safe="")}'


def _session(agent: str) -> requests.Session:
    session = requests.Session()
    session.headers['User-Agent'] = agent
    path = next(filter(os.path.exists, map(os.path.expanduser, COOKIES)), None)
    if path:
        jar = MozillaCookieJar(path)
        try:
            jar.load()
        except (LoadError, UnicodeDecodeError, OSError) as error:
            raise RequestError(f'{path}: no cookies file that can be read; remove it, or export it again in Netscape '
                               'format') from error
        session.cookies.update(jar)
    return session


def _pages(folder: str, fault: Fault) -> List[Tuple[str, str]]:
    """(path, id) of the files of a folder and the folders below it; what gdown's own listing asks for has no bounds."""
    session, files, folders = _session(FOLDER_AGENT), [], [(folder, '')]
    for one, path in folders:  # which grows
        with session, get(f'{folder_address(one)}?hl=en', session=session) as answer:
            check_status(answer, fault)
            _, entries = _parse_google_drive_file(folder_address(one), read_page(answer))
        for child, name, kind in entries:
            name = _sanitize_filename(name)
            if kind != _GoogleDriveFile.TYPE_FOLDER:
                files.append((f'{path}{name}', child))
            else:
                folders.append((child, f'{path}{name}/'))
        if len(folders) > FOLDERS:
            raise UnusableAnswer(f'there are more than {FOLDERS} folders in it')
    return files


def _in_time(function: Callable[[], T]) -> T:
    """What a function returns, on a daemon thread, which may hang.

    Raises:
        multiprocessing.TimeoutError: it takes longer than `LISTING_SECONDS`.
    """
    with ThreadPool(1) as pool:
        return pool.apply_async(function).get(LISTING_SECONDS)


def _cut(paths: Iterable[str]) -> Tuple[str, ...]:
    entries: Dict[str, Set[str]] = defaultdict(set)
    for path in map(PurePosixPath, paths):
        for child in (path, *path.parents):
            if child.name:
                entries[str(child.parent)].add(child.name)
    return tuple(sorted(folder for folder, names in entries.items() if len(names) >= LIMIT))


@functools.lru_cache(maxsize=None)
def list_folder(folder: str) -> Listing:
    """The files of a public folder and its subfolders.

    Args:
        folder: its id.

    Returns:
        what Drive's pages show; names that no terminal should print and ids that are none are left out.

    Raises:
        EnvironmentFault: no network, refused, gone, or a page that gdown cannot read.
    """
    address, retry = folder_address(folder), Retry()

    def fault(reason: str) -> EnvironmentFault:
        return EnvironmentFault(f'{address}: the folder could not be listed: {reason}; try again later, or download '
                                'the checkpoint there by hand and name it: eval checkpoint=FILE')

    while True:
        try:
            found = _in_time(functools.partial(_pages, folder, fault))
            break
        except UnusableAnswer as error:
            raise fault(str(error)) from error
        except (requests.RequestException, multiprocessing.TimeoutError) as error:
            retry.after(RetryableError(type(error).__name__), False, fault)
        except RetryableError as error:
            retry.after(error, False, fault)
        except HeadError:
            raise
        except Exception as error:  # gdown reads a page that nobody promised: anything can be missing
            raise fault(f'its page is not what gdown reads ({type(error).__name__}); it may not be public') from error
    files = {path: number for path, number in found if path.isprintable() and ID.fullmatch(number)}
    return Listing(files, _cut(path for path, _ in found))


def _is_page(answer: requests.Response) -> bool:
    return ('Content-Disposition' not in answer.headers and not is_encoded(answer) and
            answer.headers.get('Content-Type', '').startswith('text/html'))


def _ask(target: Union[str, Path], address: str, headers: Dict[str, str]) -> requests.Response:
    """The streamed answer with the file, after Drive's confirmation pages."""

    def fault(reason: str) -> EnvironmentFault:
        return EnvironmentFault(f'{target}: not fetched: {reason}; by hand: open {address} in a browser and put the '
                                'file there')

    session, following = _session(AGENT), address
    for _ in range(PAGES):
        answer = get(following, headers, session)
        if not _is_page(answer):
            return answer
        with answer:
            page = read_page(answer)
        if QUOTA.search(page):
            raise fault(f'Drive\'s download quota of the file is used up; try again in a day, or put the cookies of a '
                        f'signed-in browser into {COOKIES[0] if container_image() else COOKIES[1]}')
        check_status(answer, fault)
        try:
            following = get_url_from_gdrive_confirmation(page)
        except FileURLRetrievalError as error:
            raise fault('Drive gives a page instead, perhaps it is not public any more '
                        f'({printable(error, 300)})') from error
        except Exception as error:  # gdown reads a form that nobody promised: anything can be missing
            raise fault(f'Drive asks for a confirmation that gdown cannot read ({type(error).__name__})') from error
        if not following.startswith('https://'):
            raise fault('Drive asks for a confirmation that leads nowhere')
    raise fault('Drive asks again and again for confirmation')


def drive_file(file_id: str, target: Union[str, Path]) -> Source:
    """A file of Drive as a source; `target` is where it goes, for messages."""
    address = f'https://drive.google.com/uc?id={file_id}'
    return Source(address, functools.partial(_ask, target, address))
