"""How something is called, fetched or mounted, said for where it is read. Light: no torch.

That is a checkout, a package that pip has installed, or a container, of `docker run`, `docker compose` or Apptainer.
"""

import os
import shlex
from pathlib import Path

from .container import container_image, in_apptainer, in_compose
from .folders import COCO, PRETRAINED, WORK_DIRS

SERVICES = 'train', 'eval', 'fetch', 'verify', 'report', 'smoke', 'detect'
"""Commands that are services of compose.yaml."""

FOLDERS = {COCO: 'COCO_DIR', PRETRAINED: 'PRETRAINED_DIR', WORK_DIRS: 'WORK_DIR'}
"""What compose.yaml mounts, and the variable of .env that says from where."""

SCRIPTS = Path(__file__).resolve().parents[2] / 'scripts'


def call(command: str, *words: str) -> str:
    """How a command is called here: ``scripts/fetch coco``."""
    line = ' '.join([command, *map(shlex.quote, words)])
    if in_compose() and command in SERVICES:
        return f'docker compose run --rm {line}'
    if container_image():
        bound = f' {_bind()} FOLDER:{os.path.abspath(_written(*words))}' if command == 'fetch' and words else ''
        return f'apptainer run{bound} … head.sif {line}' if in_apptainer() else f'docker run{bound} … IMAGE {line}'
    return f'{"scripts/" if (SCRIPTS / command).is_file() else "head "}{line}'


def _bind() -> str:
    return '--bind' if in_apptainer() else '-v'


def _written(what: str, *words: str) -> str:
    """The folder that `fetch` writes to."""
    named = dict(word.split('=', 1) for word in words if '=' in word)
    if what == 'coco':
        return named.get('data', COCO)
    return named.get('pretrained', PRETRAINED) if what == 'pretrained' else WORK_DIRS


def mount(folder: str, read_only: bool = False) -> str:
    """How a container gets a folder of its host."""
    place = os.path.abspath(folder)
    known = next((name for name in FOLDERS if f'{place}/'.startswith(f'{os.path.abspath(name)}/')), None)
    if in_compose() and known:
        return f'{FOLDERS[known]}=FOLDER in .env'
    run = 'docker compose run --rm' if in_compose() else 'apptainer run' if in_apptainer() else 'docker run'
    return f'{run} {_bind()} FOLDER:{os.path.abspath(known) if known else place}{":ro" if read_only else ""}'


def writable(path: str) -> str:
    """What to do where a file system is mounted read-only."""
    advice = 'mount it so that it can be written to'
    if container_image():
        advice += f': {mount(path if os.path.isdir(path) else os.path.dirname(path))}'
    return advice


def own_ids() -> str:
    """How a container runs as the user who starts it."""
    if in_compose():
        return 'let scripts/dotenv write your ids to .env'
    if in_apptainer():
        return 'apptainer run as the user whose the folder is'
    return 'docker run --user "$(id -u):$(id -g)"'


def shared_memory() -> str:
    """How a container gets more shared memory."""
    if in_apptainer():
        return '/dev/shm of this machine'
    return 'shm_size in compose.yaml' if in_compose() else 'docker run --shm-size=8g'


def temporary_folder() -> str:
    """How there is a folder for temporary files."""
    if in_apptainer():
        return 'apptainer run --bind FOLDER:/tmp'
    if container_image() and not in_compose():
        return 'docker run --tmpfs /tmp'
    return 'make /tmp writable, or name another in TMPDIR'


def image(stack: str, device: str) -> str:
    """How another image is taken than the one that this runs in."""
    if in_compose():
        return f'scripts/dotenv stack={stack} device={device}, then scripts/image'
    return f'take the image for {device} of stack={stack}'


def gpus() -> str:
    """How a container gets GPUs, of an image for CUDA."""
    if in_apptainer():
        return 'a container gets GPUs by apptainer run --nv'
    by = 'docker run --gpus all'
    if in_compose():
        by = 'the services train and eval without compose.cpu.yaml: scripts/dotenv device=cuda'
    return f'a container gets GPUs by {by}, with NVIDIA\'s container toolkit on the host'
