"""What compose.yaml starts, builds and asks for, read as text; what an engine makes of it is in tests/container."""

import os
import subprocess

import pytest
import yaml

from head.catalog import ROOT


class Loader(yaml.SafeLoader):
    """That knows Compose's own tags."""


Loader.add_constructor('!reset', lambda loader, node: None)


def services(name):
    return yaml.load((ROOT / name).read_text(), Loader)['services']


def test_up_alone_starts_and_builds_nothing():
    assert all(service['profiles'] for service in services('compose.yaml').values())


def test_only_what_computes_for_long_takes_the_image_for_cuda():
    """The last image that was built for that is everybody's."""
    ours, on_cpu = services('compose.yaml'), services('compose.cpu.yaml')
    bases = {name: service['extends']['service'].rpartition('-')[2] for name, service in ours.items()}
    assert {name for name, base in bases.items() if base == 'cuda'} == {'train', 'eval'} == {*on_cpu}
    images = {service['image'] for name, service in ours.items() if bases[name] == 'cpu' and name != 'test'}
    assert images == {*ours['train']['build']['tags']} == {'${IMAGE:-head:${STACK:-paper}}'}
    for name in on_cpu:
        assert 'nvidia' in str(ours[name]['deploy']) and on_cpu[name]['deploy'] is None
        assert on_cpu[name]['extends']['service'].endswith('-cpu') and ours[name]['image'].endswith('-cuda}')


def test_ids_are_asked_for_and_the_place_is_told():
    for service in services('compose.yaml').values():
        assert service['user'].startswith('${UID:?') and 'run scripts/dotenv' in service['user']
        assert service['environment'] == {'HEAD_COMPOSE': '1'}


@pytest.mark.parametrize('words, status, said', [
    (('test', ), 2, 'head: test: no command'), (('test', '-e', '/'), 2, 'head: test: no command'),
    (('true', ), 0, ''), (('trian', ), 2, 'did you mean train')])
def test_words_of_the_entrypoint(words, status, said):
    """A command's or a script's name is no program's."""
    done = subprocess.run([ROOT / 'docker/entrypoint', *words], env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == status and said in done.stderr and len(done.stderr.splitlines()) == bool(said)
