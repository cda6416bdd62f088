"""Whether this runs inside the project's image. Light: no torch."""

import os
from typing import Optional


def container_image() -> Optional[str]:
    """The image's stack and device (``paper-cuda``), or None outside of it."""
    return os.environ.get('HEAD_IMAGE')


def in_apptainer() -> bool:
    """Whether Apptainer, or its fork, has started this."""
    return bool(container_image() and {'APPTAINER_CONTAINER', 'SINGULARITY_CONTAINER'} & set(os.environ))


def in_compose() -> bool:
    """Whether compose.yaml has started this."""
    return bool(container_image() and os.environ.get('HEAD_COMPOSE'))
