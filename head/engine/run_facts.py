"""What a verdict says of its origin: stack, versions, device, files."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from typing import Any, Dict, List, Optional

import torch

from .. import __version__
from ..catalog import ROOT
from ..support.container import container_image
from ..support.file_hash import file_hash
from .float32 import tf32_allowed
from .locked_packages import lock_file

PACKAGES = ('torch', 'torchvision', 'mmcv-full', 'mmdet', 'todd_ai', 'pycocotools', 'faster-coco-eval', 'numpy')


def versions() -> Dict[str, Optional[str]]:
    """Package name -> version; None for one that is not installed."""

    def of(name: str) -> Optional[str]:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    return dict(python=platform.python_version(), head=__version__, **{name: of(name) for name in PACKAGES})


def _git(*words: str) -> str:
    """What git says of the project, whatever repository its variables name."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith('GIT_')}
    return subprocess.run(['git', '-C', str(ROOT), *words], env=environment, capture_output=True, text=True,
                          check=True).stdout


def commit() -> Optional[str]:
    """The project's commit, with a + if what runs was changed since; None where neither git nor the image knows."""
    if container_image():
        return os.environ['HEAD_COMMIT'] if os.environ['HEAD_COMMIT'] != 'unknown' else None
    if not (ROOT / '.git').exists():  # installed: a repository around it is another one
        return None
    try:
        head = _git('rev-parse', 'HEAD').strip()
        changes = _git('status', '--porcelain', 'configs', 'docker', 'environment', 'head')
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ('+' if changes.strip() else '')


def changed_code() -> List[str]:
    """Why a number says nothing of the published code: what runs is in no commit."""
    found = commit() or ''
    return [f'code, configs or locks were changed since commit {found[:12]}'] if found.endswith('+') else []


def run_facts(device: str) -> Dict[str, Any]:
    """Stack, its lock's sha256, versions, commit, device and its precision, for the verdict."""
    lock = lock_file()
    return dict(
        stack=os.environ.get('HEAD_STACK'),
        image=container_image(),
        lock=file_hash(lock) if lock else None,
        versions=versions(),
        commit=commit(),
        arguments=sys.argv[1:],
        tf32=device == 'cuda' and tf32_allowed(),
        device=torch.cuda.get_device_name(0) if device == 'cuda' else f'CPU, {torch.get_num_threads()} threads')
