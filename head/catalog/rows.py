"""The catalog's types. What a field means is in the yaml files."""

import os
from typing import Dict, List, Optional

from msgspec import Meta, Struct
from typing_extensions import Annotated

Percent = Annotated[float, Meta(ge=0, le=100)]
Points = Annotated[float, Meta(gt=0, le=5)]
Count = Annotated[int, Meta(gt=0)]
Text = Annotated[str, Meta(min_length=1)]
Path = Annotated[str, Meta(pattern=r'^[\w-][\w.-]*(/[\w-][\w.-]*)*$')]
"""Relative, without a way out."""
Address = Annotated[str, Meta(pattern=r'^https?://[^\s]+$')]
Sha256 = Annotated[str, Meta(pattern='^[0-9a-f]{64}$')]
Sha256Beginning = Annotated[str, Meta(pattern='^[0-9a-f]{8,64}$')]
Md5 = Annotated[str, Meta(pattern='^[0-9a-f]{32}$')]


class File(Struct, frozen=True, forbid_unknown_fields=True):
    """A file to fetch. `path` is relative to the project, `sha256` the beginning of its hash."""

    path: Path
    address: Address
    name: str = ''
    sha256: Optional[Sha256Beginning] = None
    md5: Optional[Md5] = None
    size: Optional[Count] = None

    def __post_init__(self) -> None:
        """Nothing is downloaded without a hash check."""
        if self.sha256 is None and self.md5 is None:
            raise ValueError(f'{self.path}: neither sha256 nor md5')

    def path_in(self, folder: str) -> str:
        """Its path where `folder` stands for the leading folder of `path`."""
        return os.path.join(folder, *self.path.split('/')[1:])

    def has_hash(self, sha256: str) -> bool:
        """Whether a file of that hash is this one; of one whose md5 alone is known nobody can tell."""
        return self.sha256 is not None and sha256.startswith(self.sha256)


EVALUATION_TOLERANCE = 0.07
"""mAP in percent: 0.05 from rounding a printed figure, about 0.02 between machines."""


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the results table, or a config without one."""

    config: Path
    student: Text
    method: Text
    files: List[str]
    alias: str = ''
    teacher: Optional[Text] = None
    reported: Optional[Percent] = None
    printed: Optional[Percent] = None
    where: str = ''
    note: str = ''
    epochs: Count = 12
    checkpoint: Optional[Text] = None
    eval_tolerance: Points = EVALUATION_TOLERANCE
    train_tolerance: Points = 0.3

    @property
    def all_files(self) -> List[str]:
        """The weights that a training or an evaluation of it needs."""
        return [*self.files, *([self.checkpoint] if self.checkpoint else [])]

    def __post_init__(self) -> None:
        """A number without its place could not be checked by a reader."""
        if (self.reported or self.printed) and not self.where:
            raise ValueError(f'{self.config}: a number, but not where it is printed')


class SplitFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """What a split of COCO holds."""

    images: Count
    annotations: Count
    sha256: Sha256


class Coco(Struct, frozen=True, forbid_unknown_fields=True):
    """COCO 2017: archive by name, split by name."""

    archives: Dict[str, File]
    splits: Dict[str, SplitFacts]
    image_address: Address


class ReleasedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the authors' folder; `path` is its path there."""

    path: Text
    id: Annotated[str, Meta(pattern=r'^[\w-]{10,}$')]
    size: Count
    sha256: Sha256


class ReleasedFiles(Struct, frozen=True, forbid_unknown_fields=True):
    """What the authors released of one row."""

    checkpoint: Optional[ReleasedFile] = None
    log: Optional[ReleasedFile] = None


class Released(Struct, frozen=True, forbid_unknown_fields=True):
    """The authors' Drive folder, and what is known of its files, by alias."""

    folder: Annotated[str, Meta(pattern=r'^[\w-]{10,}$')]
    files: Dict[str, ReleasedFiles]
