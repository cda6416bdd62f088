"""Debian's Chromium, headless, and a page to look at with it."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from head.report.page import render
from head.results.run import read_run

from ..report.made_up_runs import write_evaluation, write_training

MEASURE = (Path(__file__).parent / 'measure.js').read_text()


@pytest.fixture(scope='session')
def chromium():
    """The program's path; installed if need be."""
    if not shutil.which('chromium') and os.getuid() == 0 and shutil.which('apt-get'):
        subprocess.run('apt-get update && apt-get install -y --no-install-recommends chromium', shell=True,
                       capture_output=True, check=False)
    return shutil.which('chromium') or pytest.fail('no chromium: apt-get install chromium')


@pytest.fixture(scope='session')
def page(drawn, tmp_path_factory):
    """A report of a training with values that are not finite, and an evaluation with a long name."""
    folder = tmp_path_factory.mktemp('work_dirs')
    runs = [write_training(folder / 'training', drawn, spoiled={149}),
            write_evaluation(folder / 'evaluation', drawn, alias=None, config='a_long_name_' * 12 + '.py',
                             why=['something' * 30], arguments=['eval', 'x' * 300])]
    path = folder / 'report.html'
    path.write_text(render([read_run(str(run)) for run in runs]))
    return path


@pytest.fixture
def browse(chromium, tmp_path):
    """Open a file with arguments; returns what is printed, and the lines of the page's console."""

    def run(path, *arguments):
        done = subprocess.run(
            [chromium, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run',
             '--disable-background-networking', '--host-resolver-rules=MAP * ~NOTFOUND', '--enable-logging=stderr',
             f'--user-data-dir={tmp_path}/profile', *arguments, path.as_uri()],
            capture_output=True, text=True, timeout=120, check=True)
        return done.stdout, [line for line in done.stderr.splitlines() if 'CONSOLE' in line]

    return run


@pytest.fixture
def measure(browse, tmp_path):
    """Lay a copy of a page out in a frame of some width and measure it; see measure.js."""

    def run(page, width):
        # a window is wider than a phone whatever is asked for, a frame in it is not
        copy, frame = tmp_path / 'copy.html', tmp_path / 'frame.html'
        text = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', '', page.read_text())
        copy.write_text(text.replace('</body>', f'<script>{MEASURE}</script></body>'))
        frame.write_text('<!DOCTYPE html><title>frame</title><pre id="measured"></pre><script>'
                         'addEventListener("message", event => { measured.textContent = event.data })</script>'
                         f'<iframe src="{copy.as_uri()}" width="{width}" height="844" style="border: 0"></iframe>')
        dom, console = browse(frame, '--dump-dom', '--window-size=1400,900', '--virtual-time-budget=5000')
        found = re.search('<pre id="measured">(.+?)</pre>', dom, re.S)
        assert found, console
        return json.loads(html.unescape(found.group(1)))

    return run
