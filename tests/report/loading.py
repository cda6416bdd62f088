"""What a page would load, found by parsing it."""

import re
from html.parser import HTMLParser

LOADING = {'src', 'srcset', 'data', 'poster', 'action', 'background', 'href', 'xlink:href'}


class Page(HTMLParser):
    """Elements, ids and text of a page.

    Attributes:
        loads: addresses outside of the page that are loaded without a click.
        ids: every id, in order.
        references: every id that is pointed at.
        headings: their levels, in order.
        elements: (tag, attributes), in order.
    """

    def __init__(self, text):
        super().__init__()
        self.loads, self.ids, self.references, self.headings, self.elements = [], [], [], [], []
        self.words = []
        self.feed(text)
        styles = re.findall(r'url\(([^)]*)\)|@import', text)
        self.references += [url[1:] for url in styles if url.startswith('#')]
        self.loads += [url for url in styles if not url.startswith('#')]

    def handle_starttag(self, tag, attributes):
        """Note an element."""
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if 'id' in attributes:
            self.ids.append(attributes['id'])
        if re.fullmatch('h[1-6]', tag):
            self.headings.append(int(tag[1]))
        for name in LOADING & set(attributes):
            value = attributes[name]
            if value.startswith('#'):
                self.references.append(value[1:])
            elif tag != 'a' and not value.startswith('data:'):
                self.loads.append(value)

    def handle_data(self, data):
        """Note text."""
        if self.lasttag != 'style':
            self.words.append(data)

    @property
    def text(self):
        """All text, white space made one."""
        return ' '.join(' '.join(self.words).split())
