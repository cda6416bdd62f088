"""How something is called, fetched or mounted, said for where it is read. Light: no torch.

That is a checkout, a package that pip has installed, or a container, of `docker run` or of `docker compose`.
"""

import os
import shlex
from pathlib import Path

from .container import container_image, in_compose
from .folders import COCO, PRETRAINED, WORK_DIRS

SERVICES = 'train', 'eval', 'fetch', 'verify', 'report', 'smoke'
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
        written = {'coco': COCO, 'pretrained': PRETRAINED}.get(words[0]) if command == 'fetch' and words else None
        return f'docker run{f" -v FOLDER:{os.path.abspath(written)}" if written else ""} … IMAGE {line}'
    return f'{"scripts/" if SCRIPTS.is_dir() else "head "}{line}'


def mount(folder: str, read_only: bool = False) -> str:
    """How a container gets a folder of its host."""
    place = os.path.abspath(folder)
    known = next((name for name in FOLDERS if f'{place}/'.startswith(f'{os.path.abspath(name)}/')), None)
    if in_compose() and known:
        return f'{FOLDERS[known]}=FOLDER in .env'
    docker = 'docker compose run' if in_compose() else 'docker run'
    return f'{docker} -v FOLDER:{os.path.abspath(known) if known else place}{":ro" if read_only else ""}'


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
    return 'docker run --user "$(id -u):$(id -g)"'


def shared_memory() -> str:
    """How a container gets more shared memory."""
    return 'shm_size in compose.yaml' if in_compose() else 'docker run --shm-size=8g'


def temporary_folder() -> str:
    """How there is a folder for temporary files."""
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
    by = 'docker run --gpus all'
    if in_compose():
        by = 'the services train and eval without compose.cpu.yaml: scripts/dotenv device=cuda'
    return f'a container gets GPUs by {by}, with NVIDIA\'s container toolkit on the host'
