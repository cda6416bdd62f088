"""What is cut from a training's logs when it continues."""

import json

import pytest

from head.results.log_files import cut_logs, log_sizes

ROWS = [json.dumps(dict(mode='train', iter=number)) + '\n' for number in range(4)]
LINES = [f'2026-11-27 - INFO - step {number}\n' for number in range(4)]
NEW = 'of this start\n', '{"mode": "train", "iter": 9}\n'


def cut(folder, text, rows, sizes):
    """Continue with logs that hold `text` and `rows`, of which a checkpoint counts `sizes`; returns what was said."""
    (folder / 'now.log').write_bytes(text)
    (folder / 'now.log.json').write_bytes(rows)
    before, said = log_sizes(str(folder), 'now'), []
    for name, line in zip(('now.log', 'now.log.json'), NEW):
        with open(folder / name, 'a') as file:
            file.write(line)
    cut_logs(str(folder), sizes, before, said.append)
    return said


def test_what_is_trained_again(tmp_path):
    text, rows = (''.join(lines).encode() for lines in (LINES, ROWS))
    sizes = {'now.log': len(LINES[0]), 'now.log.json': len(ROWS[0] + ROWS[1])}
    assert cut(tmp_path, text, rows[:-3], sizes) == [], 'what no checkpoint counts may be torn'
    assert (tmp_path / 'now.log').read_text() == LINES[0] + NEW[0]
    assert (tmp_path / 'now.log.json').read_text() == ROWS[0] + ROWS[1] + NEW[1]


@pytest.mark.parametrize('end', [b'{"mode": "tra', b'\0' * 20, b'\0' * 20 + b'\n', b'{"mode": "tra\n', b'12\n',
                                 b'[' * 100_000 + b'\n', b''],
                         ids=['cut off', 'zeros', 'zeros and a line', 'half a row', 'no row', 'nested', 'whole'])
def test_a_torn_end(tmp_path, end):
    """Of a log that a power cut kept from the disk: it can be read again, and the loss is said."""
    whole = ROWS[0] + ROWS[1]
    counted = {'now.log': len(LINES[0]), 'now.log.json': len(''.join(ROWS))}
    line, = cut(tmp_path, LINES[0].encode(), whole.encode() + end, counted)
    assert (tmp_path / 'now.log.json').read_text() == whole + NEW[1]
    lost = len(''.join(ROWS)) - len(whole)
    assert line == f'now.log.json: its end was torn, by a power cut for instance; {lost} bytes of it are lost'


def test_a_torn_text(tmp_path):
    text = (LINES[0] + LINES[1][:9]).encode()
    assert len(cut(tmp_path, text, b'', {'now.log': len(text)})) == 1
    assert (tmp_path / 'now.log').read_text() == LINES[0] + NEW[0]


def test_a_link_is_not_cut(tmp_path):
    """Put in a log's place while a training is at work."""
    (tmp_path / 'precious').write_text('kept\n')
    (tmp_path / 'now.log').symlink_to('precious')
    with pytest.raises(OSError, match='symbolic links'):
        cut_logs(str(tmp_path), {}, {'now.log': 3}, print)
    assert (tmp_path / 'precious').read_text() == 'kept\n'
