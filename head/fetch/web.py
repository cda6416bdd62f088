"""What servers answer: over http(s) only, after few redirects, as it is stored, and no page without end."""

import contextlib
import math
import os
import socket
import threading
import time
from typing import Any, Dict, Iterator, Optional
from urllib.parse import urljoin, urlsplit

import requests

from .retry import TIMEOUT, RetryableError

BLOCK = 1 << 16
"""Bytes read at once; that much may be lost where a connection is cut."""

REDIRECTS = 10
"""Followed for one request."""

SLOWEST = 60.0
"""Seconds that a block may take, about 1 kB a second; `TIMEOUT` alone is never met by a server that sends a byte a
minute."""

PAGE_BYTES = 4 << 20
"""A page of Drive has less; a folder's has some hundred KB."""


class UnusableAnswer(requests.RequestException):
    """An answer that another try would not change."""


def get(address: str, headers: Optional[Dict[str, str]] = None, session: Optional[requests.Session] = None
        ) -> requests.Response:
    """The streamed answer of an address, after its redirects, of which nothing is read.

    Raises:
        UnusableAnswer: too many redirects, one to something else than http(s) or to no address, or a content encoding
            of what was asked for: what it would become has no bounds, and ranges and hashes are of bytes as they are
            stored.
        requests.RequestException: no answer.
    """
    asked = {**(headers or {}), 'Accept-Encoding': 'identity'}
    if session is None:
        with requests.Session() as session:
            return get(address, headers, session)
    try:
        return _after_redirects(session, address, asked)
    except ValueError as error:  # of urllib, a codec or requests, whose InvalidURL is one
        raise UnusableAnswer(f'it, or what it is redirected to, is no address ({type(error).__name__})') from error


def is_encoded(answer: requests.Response) -> bool:
    """Whether an answer has a content encoding; then its body is not to be read."""
    return answer.headers.get('Content-Encoding', '').strip().lower() not in ('', 'identity')


def _after_redirects(session, address, headers):
    for _ in range(REDIRECTS + 1):
        if urlsplit(address).scheme not in ('http', 'https'):
            raise UnusableAnswer('it is redirected to an address that is not http(s)')
        # requests' own redirects read, and decode, whatever comes with them
        answer = session.get(address, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=False)
        leads_to = session.get_redirect_target(answer)
        if leads_to is None:
            if answer.status_code < 400 and is_encoded(answer):
                answer.close()
                raise UnusableAnswer('the server sends it encoded, which was not asked for')
            return answer
        answer.close()
        address = urljoin(answer.url, leads_to)
    raise UnusableAnswer(f'it is redirected more than {REDIRECTS} times')


def blocks(answer: requests.Response) -> Iterator[bytes]:
    """The body of a streamed answer, in blocks of at least `BLOCK` bytes, less than twice as many, and a last one.

    Raises:
        RetryableError: one of them takes longer than `SLOWEST`; the connection is cut.
        requests.RequestException: the connection is lost.
    """
    reading_since, ended, cut = math.inf, threading.Event(), threading.Event()

    def watch(connection: socket.socket) -> None:
        with connection:
            while not ended.wait(SLOWEST / 4):
                if time.monotonic() - reading_since > SLOWEST:
                    cut.set()
                    with contextlib.suppress(OSError):  # it has ended at this moment
                        connection.shutdown(socket.SHUT_RDWR)
                    return

    with contextlib.suppress(OSError, ValueError):  # a body without a byte has no connection any more
        connection = socket.socket(fileno=os.dup(answer.raw.fileno()))
        threading.Thread(target=watch, args=[connection], daemon=True).start()
    body, lost = iter(answer.iter_content(BLOCK)), None
    try:
        while True:
            reading_since, block = time.monotonic(), bytearray()
            try:
                for part in body:  # of a chunked body it has as few bytes as the server likes
                    block += part
                    if len(block) >= BLOCK:
                        break
            except requests.RequestException as error:
                lost = error
            if cut.is_set():
                raise RetryableError(f'less than {BLOCK / 1e3:.0f} kB came in {SLOWEST:.0f} s') from lost
            if lost:
                raise lost
            reading_since = math.inf  # what is done with it may take long
            if not block:
                return
            yield bytes(block)
    finally:
        ended.set()


def read_page(answer: requests.Response) -> str:
    """The text of a streamed page.

    Raises:
        UnusableAnswer: it has more than `PAGE_BYTES`.
        RetryableError: it comes too slowly.
    """
    content = bytearray()
    for block in blocks(answer):
        content += block
        if len(content) > PAGE_BYTES:
            raise UnusableAnswer(f'a page of more than {PAGE_BYTES / 1e6:.0f} MB comes')
    try:
        return content.decode(answer.encoding or 'utf-8', 'replace')
    except (LookupError, ValueError):  # an encoding that nobody knows, or one not for pages
        return content.decode('utf-8', 'replace')


def stated_length(answer: requests.Response) -> Optional[int]:
    """Content-Length, or None where the server says none that is a number of bytes."""
    text: Any = answer.headers.get('Content-Length', '')
    return int(text) if text.isdecimal() and len(text) < 19 else None
