"""What is printed of a file's own words."""

import pytest
from hypothesis import strategies as st

from head.support.printed_text import printable


@pytest.mark.parametrize('text, printed', [
    ('head_r18: größer, 像', 'head_r18: größer, 像'),
    ('\x1b[2J\r\n\x00', r'\x1b[2J\r\n\x00'),
    ('\u202eabc\u2028', r'\u202eabc\u2028'),  # turned around; a line's end
    ('\ud800', r'\ud800'),  # half a character, which no terminal's encoding has
    (None, 'None'),
])
def test_what_does_not_print_is_escaped(text, printed):
    assert printable(text) == printed


def test_begin_and_end_of_a_long_text_stay():
    assert printable('begin' + 'x' * 10**6 + 'end', 30).startswith('begin')
    assert printable('begin' + 'x' * 10**6 + 'end', 30).endswith('end')


def test_any_text(fuzz):
    @fuzz(st.text(max_size=300), st.integers(10, 120))
    def bounded_and_printing(text, limit):
        found = printable(text, limit)
        found.encode()
        assert found.isprintable() and len(found) <= limit
        assert found == text or len(text) > limit or not text.isprintable()
