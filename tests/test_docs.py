"""The README and the pages: their links lead somewhere, and what they name is there."""

import re

import pytest

from head.keys import KEYS
from head.request import COMMANDS

from .conftest import ROOT

PAGES = [*(ROOT / f'{name}.md' for name in ('README', 'CONTRIBUTING', 'CHANGELOG', 'SECURITY')),
         *sorted((ROOT / 'docs').glob('*.md'))]


def test_the_readme_is_an_entrance():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 110


def anchors(text):
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.*)$', text, re.M)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r'\]\((?!https?:)([^)\s]+)\)', page.read_text()):
        name, _, anchor = target.partition('#')
        path = page.parent / name if name else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text()), target


def test_every_page_is_linked_from_the_readme():
    text = (ROOT / 'README.md').read_text()
    assert [page.name for page in PAGES if page.name != 'README.md' and page.name not in text] == []


def test_every_key_and_command_is_explained():
    text = (ROOT / 'docs/commands.md').read_text()
    assert [key for key in KEYS if f'`{key}=' not in text] == []
    assert [name for name in COMMANDS if f'`scripts/{name}' not in text] == []


def test_messages_that_people_look_up_are_those_that_are_printed():
    sources = '\n'.join(path.read_text() for folder in ('head', 'environment') for path in (ROOT / folder).rglob('*')
                        if path.suffix in ('.py', '.sh'))
    sources = re.sub(r"'\s*\n\s*f?'", '', sources).replace("\\'", "'")  # strings that continue in the next line
    lines = re.findall(r'^\| `([^`]+)` \|', (ROOT / 'docs/troubleshooting.md').read_text(), re.M)
    pieces = [piece.strip() for line in lines for piece in line.split('…')]
    assert len(pieces) > 25 and [piece for piece in pieces if piece not in sources] == []


def test_containers_are_started_without_privileges():
    """Every command line to copy takes away what compose.yaml does."""
    lines = [line for page in PAGES for line in re.sub(r' *\\\n *', ' ', page.read_text()).splitlines()
             if re.match(r'    +(docker|podman) run ', line)]
    assert lines
    assert [line for line in lines if '--cap-drop ALL --security-opt no-new-privileges' not in line] == []
