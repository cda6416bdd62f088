"""One file from the network: resumed, checked, under its name only when it is whole."""

import functools
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Union

import requests
from tqdm import tqdm

from ..errors import EnvironmentFault, RequestError
from ..support.atomic_write import write_text
from ..support.disk_space import require_space
from ..support.locks import Say, hidden_path, locked
from .retry import Fault, Retry, RetryableError, check_status
from .web import UnusableAnswer, blocks, get, stated_length

LARGEST_WEIGHTS = 4 << 30
"""Bytes that a file of weights may have where its size is not known; those of the catalog have up to 0.2 GB."""

Check = Callable[[Path], str]
"""What is wrong with a file in words, or an empty string."""


@dataclass(frozen=True)
class Source:
    """Where a file comes from.

    `address` is what a person opens to get it by hand; `ask` takes request headers and returns the streamed
    `requests.Response` with the file, or raises a `requests.RequestException`, `RetryableError` or `EnvironmentFault`.
    """

    address: str
    ask: Callable[..., requests.Response]


def web(address: str) -> Source:
    """A plain address as a source."""
    return Source(address, functools.partial(get, address))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _drop(*paths: Path) -> None:
    for path in paths:
        if os.path.lexists(str(path)):
            path.unlink()


def _drop_links(*paths: Path) -> None:
    """In a folder that others write to, a hidden name is anything: what is no file of ours would be followed."""
    _drop(*(path for path in paths if path.is_symlink() or not path.is_file()))


def _open_own(path: str, flags: int) -> int:
    """An opener that follows no link, should one have come since."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _strong(etag: str) -> str:
    """The ETag if it stands for all bytes; a weak one says nothing about them."""
    return etag if etag.startswith('"') else ''


def _version(tag: Path, source: Source) -> Optional[str]:
    """The ETag of the partial file, empty where there was none; None where that comes from another address."""
    if not tag.exists():
        return ''
    address, _, etag = tag.read_text(encoding='utf-8', errors='replace').partition('\n')
    return etag if address == source.address else None


def _transfer(source: Source, target: Path, size: Optional[int], hashed: bool, largest: int, fault: Fault) -> None:
    """One try: let the partial file grow by what the source gives, up to its size, or to `largest` bytes.

    Raises:
        Unfinished: it ended early.
    """
    part, tag = hidden_path(target, 'part'), hidden_path(target, 'part.etag')
    _drop_links(part, tag)
    version = _version(tag, source)
    if not (version or hashed):
        _drop(part, tag)
    have = _size(part)
    if size and have == size:
        return
    headers = {}
    too_large = f'the server sends more than the {largest / 1e6:.0f} MB that it may have'
    if have:
        headers['Range'] = f'bytes={have}-'
        if version:
            headers['If-Range'] = version
    try:
        with source.ask(headers=headers) as answer:
            about = answer.headers.get('Content-Range', '')
            if answer.status_code == 416 and have:
                if about == f'bytes */{have}':
                    return
                _drop(part, tag)
                raise RetryableError('the server has another file than before')
            check_status(answer, fault, part=bool(have))
            etag = _strong(answer.headers.get('ETag', ''))
            if answer.status_code == 206:
                total = re.fullmatch(rf'bytes {have}-\d+/(\d{{1,18}})', about, re.ASCII)
                if not total or int(total[1]) <= have or (version and etag and etag != version):
                    _drop(part, tag)
                    raise RetryableError('the server gives another part than asked for')
                rest = int(total[1]) - have  # the body may be shorter
            else:  # the file has changed, or the server knows no ranges
                length = stated_length(answer)
                if length is None and not (size or hashed):
                    raise fault('the server does not say how long it is, so nobody could tell whether it is whole')
                have, rest = 0, length or 0
                _drop(part, tag)  # before the new tag: a kill in between must not leave one version under another's
                if etag:
                    write_text(tag, f'{source.address}\n{etag}')
            if not size and have + rest > largest:
                _drop(part, tag)
                raise fault(f'{too_large}: {(have + rest) / 1e6:.0f} MB')
            require_space(part.parent, rest)
            with open(part, 'ab' if have else 'wb', opener=_open_own) as file, tqdm(
                    total=have + rest if rest else None, initial=have, desc=target.name, unit='B', unit_scale=True,
                    leave=False, disable=None) as bar:
                for block in blocks(answer):
                    file.write(block)
                    bar.update(len(block))
                    if size and file.tell() > size:
                        return  # not the file; its hash will say so
                    if file.tell() > largest and not size:
                        _drop(part, tag)
                        raise fault(too_large)
    except UnusableAnswer as error:
        raise fault(str(error)) from error
    except requests.RequestException as error:
        raise RetryableError(f'{type(error).__name__} at {_size(part)} bytes') from error
    except OSError as error:
        raise EnvironmentFault(f'{target}: cannot be written ({error.strerror}); its folder has '
                               f'{shutil.disk_usage(str(part.parent)).free / 1e9:.2f} GB free; make room there, or '
                               'name a folder on another disk') from error
    if rest and not size and _size(part) > have + rest:
        _drop(part, tag)
        raise RetryableError('the server gives more than it says')
    if _size(part) < (size or have + rest):
        raise RetryableError(f'the connection ended at {_size(part)} bytes')


def download(source: Source, target: Path, check: Check, size: Optional[int] = None, hashed: bool = True,
             largest: int = LARGEST_WEIGHTS) -> None:
    """Fetch a file that is not there, from where an earlier try stopped.

    Args:
        source: where it comes from.
        target: where it goes; until it is whole it is `.NAME.part` beside that.
        check: see `Check`.
        size: in bytes, where it is known.
        hashed: `check` would notice any wrong byte. Otherwise an earlier try continues only if the server knows
            its version, and the server has to say how long the file is.
        largest: bytes that it may have where `size` is not known.

    Raises:
        EnvironmentFault: no network, refused, gone, too large, no room, or other bytes than wanted, twice.
    """
    part, tag = hidden_path(target, 'part'), hidden_path(target, 'part.etag')
    by_hand = f'fetch {source.address} by hand and put it there'

    def fault(reason: str) -> EnvironmentFault:
        goes_on = ', it continues where it stopped' if hashed else ''
        return EnvironmentFault(f'{target}: not fetched: {reason}; try again later{goes_on}, or {by_hand}')

    retry, most, again = Retry(), _size(part), False
    while True:
        try:
            _transfer(source, target, size, hashed, largest, fault)
        except RetryableError as error:
            retry.after(error, _size(part) > most, fault)
            most = max(most, _size(part))
            continue
        problem = check(part)
        if not problem:
            break
        _drop(part, tag)
        if again:
            raise EnvironmentFault(f'{target}: not fetched: the server sent a different file, {problem}; try '
                                   f'again later, or {by_hand}')
        again, most = True, 0
    os.replace(str(part), str(target))
    _drop(tag)


def ensure_file(source: Source, target: Union[str, Path], check: Check, size: Optional[int] = None,
           say: Say = print) -> None:
    """Have a file: check the one that is there, or download it. Safe with other processes doing the same.

    Raises:
        RequestError: the file that is there is damaged.
        EnvironmentFault: see `download`.
    """
    target = Path(target)
    if not target.exists():
        with locked(target, say):
            if not target.exists():
                download(source, target, check, size)
                say(f'{target}: fetched, {target.stat().st_size / 1e6:.1f} MB')
                return
    problem = check(target)
    if problem:
        raise RequestError(f'{target}: damaged or another file, {problem}; move it away and fetch again, from '
                           f'{source.address}')
    say(f'{target}: is there')
