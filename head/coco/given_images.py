"""The images of a user's own that a command is given: files and folders of them, found whole."""

import os
from dataclasses import dataclass
from typing import Iterator, List, Sequence

from ..errors import RequestError
from ..support.advice import mount
from ..support.container import container_image
from ..support.file_names import LONGEST_PATH
from ..support.printed_text import printable
from .image_file import decoded_size, image_problem, read_regular_file

SUFFIXES = '.jpg', '.jpeg', '.png'
"""Of a folder's images, in capitals too."""


@dataclass(frozen=True)
class GivenImage:
    """An image file that decodes whole; width and height in pixels as the data pipeline decodes it, turned by EXIF."""

    path: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """Of the file, without its folder."""
        return os.path.basename(self.path)


def find_images(words: Sequence[str]) -> List[GivenImage]:
    """The images that words name, files as they are, of folders all JPEG and PNG files directly in them, by name.

    Args:
        words: paths of files and folders.

    Raises:
        RequestError: names the first that is not there, is no whole image, or has the name of another; or a folder
            without images.
    """
    found = [_look(path) for word in words for path in _files(word)]
    of_name = {one.name: one for one in found}
    for one in found:
        other = of_name[one.name]
        if other is not one:
            same = os.path.samefile(one.path, other.path)
            raise RequestError(f'{one.path}: ' + ('is given twice; name it once' if same else
                               f'has the name of {other.path}, and so would its picture; look at them one by one'))
    return found


def _files(word: str) -> Iterator[str]:
    if not os.path.isdir(word):
        yield word
        return
    with os.scandir(word) as entries:
        names = sorted(one.name for one in entries if one.name.lower().endswith(SUFFIXES)
                       and not one.name.startswith('.') and not one.is_dir())
    if not names:
        raise RequestError(f'{word}: no image ({", ".join(SUFFIXES)}) in this folder; name another')
    for name in names:
        yield os.path.join(word, name)


def _way_to(path: str) -> str:
    if not container_image() or os.path.islink(path):
        return 'name one that is there'
    folder = os.path.dirname(path) if path.lower().endswith(SUFFIXES) else path
    return f'mount yours: {mount(folder, read_only=True)}'


def _look(path: str) -> GivenImage:
    shown = printable(path, LONGEST_PATH)
    try:
        path.encode()  # a name of other bytes could not be written down
        content = read_regular_file(path)
        width, height = decoded_size(content)
        problem = image_problem(content, width, height)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RequestError(f'{shown}: no such image or folder; {_way_to(path)}') from error
    except UnicodeEncodeError:
        problem = 'its name is not UTF-8; rename it'
    except ValueError as error:
        problem = str(error)
    if problem:
        raise RequestError(f'{shown}: {problem}; name others, or take it out of the folder')
    return GivenImage(path, width, height)
