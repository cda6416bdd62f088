"""A stand-in for the archive of Debian's days, which keeps what it once gave: the same address gives the same bytes."""

import contextlib
import hashlib
import shutil
import tempfile
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OF_TODAY = 'http://deb.debian.org'


class _Handler(BaseHTTPRequestHandler):
    """Answers /DISTRIBUTION/DAY/PATH with what the archive of today has at /DISTRIBUTION/PATH."""

    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        distribution, day, path = self.path.lstrip('/').split('/', 2)
        kept = self.server.folder / hashlib.sha256(self.path.encode()).hexdigest()
        with self.server.lock:
            if not kept.exists():
                try:
                    with urllib.request.urlopen(f'{OF_TODAY}/{distribution}/{path}', timeout=120) as answer, \
                            kept.with_suffix('.part').open('wb') as file:
                        shutil.copyfileobj(answer, file)
                except urllib.error.HTTPError as error:
                    self.send_error(error.code)
                    return
                kept.with_suffix('.part').rename(kept)
            self.server.days.add(day)
        self.send_response(200)
        self.send_header('Content-Length', str(kept.stat().st_size))
        self.end_headers()
        with kept.open('rb') as file:
            shutil.copyfileobj(file, self.wfile)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running_archive():
    """The server: its `address`, and the `days` that were asked for."""
    with tempfile.TemporaryDirectory() as folder, ThreadingHTTPServer(('127.0.0.1', 0), _Handler) as server:
        server.folder, server.days, server.lock = Path(folder), set(), threading.Lock()
        server.address = f'http://127.0.0.1:{server.server_address[1]}'
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
