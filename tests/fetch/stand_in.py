"""A stand-in for the internet: a proxy that answers every host itself, https with a certificate made for the test."""

import json
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import trustme

HOSTS = ('drive.google.com', 'drive.usercontent.google.com', 'download.openmmlab.com', 'download.pytorch.org')


@dataclass
class File:
    """A file on a server, and how that server behaves.

    `first`: answers (status, headers) given before anything else; `most`: bytes of a part that it gives; `cuts`: after
    how many bytes of the next answers the connection ends; `etag`: None for a server that gives none; `conditions`: it
    heeds If-Range; `pace`: seconds a block of 16 KB takes; `chunk`: bytes of the chunks that it comes in, without a
    length; `headers`: more.
    What was asked of it: `asked`, the Range of every request; `given`, the bytes of every answer.
    """

    body: bytes
    etag: str = '"one"'
    ranges: bool = True
    conditions: bool = True
    first: list = field(default_factory=list)
    cuts: list = field(default_factory=list)
    most: int = 0
    pace: float = 0
    chunk: int = 0
    headers: dict = field(default_factory=dict)
    length: bool = True
    asked: list = field(default_factory=list)
    given: list = field(default_factory=list)

    @property
    def served(self):
        """Bytes given in all answers."""
        return sum(self.given)


class Internet:
    """What all servers hold: address without query -> File, or a function of the query that returns one.

    Attributes:
        cookies (set): that were sent.
        refused (bool): no connection is answered any more.
        open (int), most_open (int): answers under way now, and at most.
    """

    def __init__(self):
        self.files, self.cookies, self.refused, self.open, self.most_open = {}, set(), False, 0, 0
        self.lock = threading.Lock()
        authority = trustme.CA()
        self.certificate = authority.cert_pem
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*HOSTS).configure_cert(self.tls)
        self.server = _Server(('127.0.0.1', 0), _Handler)
        self.server.internet = self
        self.address = f'http://127.0.0.1:{self.server.server_address[1]}'
        threading.Thread(target=self.server.serve_forever, kwargs=dict(poll_interval=0.02), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def put(self, address, body, **behaviour):
        """A file at an address; returns it, to be looked at later."""
        self.files[address] = File(body, **behaviour)
        return self.files[address]

    def find(self, address):
        parts = urlsplit(address)
        found = self.files.get(f'{parts.scheme}://{parts.netloc}{parts.path}')
        return found(parse_qs(parts.query)) if callable(found) else found


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that was killed is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    secure = ''

    def log_message(self, *arguments):
        pass

    def do_CONNECT(self):
        if self.server.internet.refused:
            self.close_connection = True
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        self.secure = f'https://{self.path.split(":")[0]}'
        self.connection = self.server.internet.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile('rb'), self.connection.makefile('wb')
        self.close_connection = False  # which a tunnel asked for by HTTP/1.0 sets

    def do_GET(self):
        internet = self.server.internet
        if internet.refused:
            self.close_connection = True
            return
        internet.cookies.add(self.headers.get('Cookie'))
        file = internet.find(self.secure + self.path)
        if file is None:
            return self._answer(404, {'Content-Type': 'text/html'}, b'<html>not found</html>')
        file.asked.append(self.headers.get('Range'))
        if file.first:
            status, headers = file.first.pop(0)
            return self._answer(status, headers, b'<html>later</html>')
        with internet.lock:
            internet.open += 1
            internet.most_open = max(internet.most_open, internet.open)
        try:
            self._give(file)
        finally:
            with internet.lock:
                internet.open -= 1

    def _answer(self, status, headers, body):
        self.send_response(status)
        for name, value in dict(headers, **{'Content-Length': len(body)}).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def _give(self, file):
        start, total, status = 0, len(file.body), 200
        asked, condition = self.headers.get('Range'), self.headers.get('If-Range')
        if asked and file.ranges and (condition in (None, file.etag) or not file.conditions):
            start, status = int(asked[len('bytes='):-1]), 206
            if start >= total:
                return self._answer(416, {'Content-Range': f'bytes */{total}'}, b'')
        stop = min(total, start + file.most) if status == 206 and file.most else total
        self.send_response(status)
        headers = dict(file.headers)
        headers.setdefault('Content-Type', 'application/octet-stream')
        if file.etag:
            headers['ETag'] = file.etag
        if status == 206:
            headers['Content-Range'] = f'bytes {start}-{stop - 1}/{total}'
        if file.chunk:
            headers['Transfer-Encoding'] = 'chunked'
        elif file.length:
            headers['Content-Length'] = str(stop - start)
        else:
            headers['Connection'] = 'close'
            self.close_connection = True
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        answer = len(file.given)
        file.given.append(0)
        end = min(stop, start + file.cuts.pop(0)) if file.cuts else stop
        for place in range(start, end, 1 << 14):
            block = file.body[place:min(end, place + (1 << 14))]
            self.wfile.write(_chunked(block, file.chunk) if file.chunk else block)
            self.wfile.flush()
            file.given[answer] += len(block)
            time.sleep(file.pace)
        if end < stop:
            self.close_connection = True
        elif file.chunk:
            self.wfile.write(b'0\r\n\r\n')


def _chunked(block, size):
    parts = [block[place:place + size] for place in range(0, len(block), size)]
    return b''.join(b'%x\r\n%b\r\n' % (len(part), part) for part in parts)


def folder_page(name, entries):
    """Drive's page of a folder: (id, name, type or None for a folder) of every entry, as its script holds them."""
    kind_of_folder = 'application/vnd.google-apps.folder'
    lines = [[number, ['parent'], title, kind or kind_of_folder] for number, title, kind in entries]
    script = ''.join(f'\\x{ord(letter):02x}' for letter in json.dumps([lines or None, None]))
    return (f'<html><head><title>{name} - Google Drive</title></head><body><script nonce="n">'
            f"window['_DRIVE_ivd'] = '{script}';if (window['_DRIVE_ivdc']) {{}}</script></body></html>").encode()


CONFIRMATION = """<html><head><title>Google Drive - Virus scan warning</title></head><body>
<p class="uc-warning-caption">Google Drive can't scan this file for viruses.</p>
<form id="download-form" action="https://drive.usercontent.google.com/download" method="get">\
<input type="submit" value="Download anyway"/><input type="hidden" name="id" value="{id}">\
<input type="hidden" name="export" value="download">\
<input type="hidden" name="confirm" value="t"></form></body></html>"""
"""On one line, as Drive gives it and gdown reads it."""

QUOTA = b"""<html><head><title>Google Drive - Quota exceeded</title></head><body>
<p class="uc-error-caption">Sorry, you can't view or download this file at this time.</p>
<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently. Please try accessing the \
file again later.</p></body></html>"""


class Drive:
    """Google Drive in the stand-in.

    `files`: id -> File; `warned`: ids behind a confirmation page; `exhausted`: ids whose quota is used up; `confirmed`:
    ids whose confirmation was followed; `listed`: number of folder pages given.
    """

    PAGE = {'Content-Type': 'text/html; charset=utf-8'}

    def __init__(self, internet):
        self.internet, self.files = internet, {}
        self.warned, self.exhausted, self.confirmed, self.listed = set(), set(), [], 0
        internet.files['https://drive.google.com/uc'] = self._uc
        internet.files['https://drive.usercontent.google.com/download'] = self._download

    def folder(self, number, name, entries):
        """Put a folder there."""

        def page(query):
            self.listed += 1
            return File(folder_page(name, entries), headers=self.PAGE, etag=None)

        self.internet.files[f'https://drive.google.com/drive/folders/{number}'] = page

    def file(self, number, body, **behaviour):
        """Put a file there; returns it."""
        headers = {'Content-Disposition': 'attachment; filename="file.bin"'}
        self.files[number] = File(body, headers=headers, **behaviour)
        return self.files[number]

    def _uc(self, query):
        number = query['id'][0]
        if number in self.exhausted:
            return File(QUOTA, headers=self.PAGE, etag=None, ranges=False)
        if number in self.warned and number in self.files:
            return File(CONFIRMATION.format(id=number).encode(), headers=self.PAGE, etag=None, ranges=False)
        return self.files.get(number)

    def _download(self, query):
        if query.get('confirm') != ['t']:
            return None
        self.confirmed.append(query['id'][0])
        return self.files.get(query['id'][0])
