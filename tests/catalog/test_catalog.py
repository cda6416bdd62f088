"""The catalog, and the README's table against it."""

import re

import pytest

from head.catalog import ROOT, file_at, files, find_config, models
from head.errors import RequestError
from head.verdict import judge


def table():
    text = (ROOT / 'README.md').read_text()
    rows = re.findall(r'^\| `(\w+)` \|(.*)\|$', text, re.M)
    return {alias: [cell.strip() for cell in cells.split('|')] for alias, cells in rows}


def test_readme_table_is_the_catalogs():
    expected = {
        row.alias: [row.student, row.teacher or '–', row.method,
                    f'{row.reported}' if row.reported else f'({row.printed})']
        for row in models().values() if row.reported or row.printed
    }
    assert table() == expected


def test_every_row_is_whole():
    for row in models().values():
        assert (ROOT / row.config).is_file()
        assert row.files and (row.reported is None or 20 < row.reported < 50)
    for file in files().values():
        assert file.path.endswith(f'-{file.sha256}.pth') and file.address.endswith(file.path.split('/')[-1])
        assert file_at(file.path) == file


def test_configs_name_the_catalogs_files():
    for row in models().values():
        path, found = find_config(row.alias)
        assert found == row and find_config(str(path))[1] == row


def test_unknown_alias_names_the_nearest():
    with pytest.raises(RequestError, match='head_r18'):
        find_config('head_r19')


@pytest.mark.parametrize('measured,doubts,verdict', [
    (36.05, (), 'pass'),
    (36.2, (), 'fail'),
    (float('nan'), (), 'fail'),
    (36.1, ['other data'], 'unverified'),
    (None, (), 'unverified'),
])
def test_verdicts(measured, doubts, verdict):
    assert judge(measured, 36.1, 0.07, doubts)['verdict'] == verdict
