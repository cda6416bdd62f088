"""In how many processes a command runs, on which machines. Light: no torch."""

import re
from dataclasses import dataclass
from typing import Optional

from ..errors import RequestError

MOST_PROCESSES, MOST_MACHINES = 1024, 4096
"""A machine's, and how many of these; more is a slip of the fingers."""


@dataclass(frozen=True)
class Layout:
    """What the keys of these names ask for; None where one was not given.

    Raises:
        RequestError: keys for several machines that do not fit together, or more processes than anybody has.
    """

    device: Optional[str] = None
    gpus: Optional[int] = None
    procs: Optional[int] = None
    nnodes: int = 1
    node_rank: Optional[int] = None
    rdzv: Optional[str] = None

    def __post_init__(self) -> None:
        for key, most in (('gpus', MOST_PROCESSES), ('procs', MOST_PROCESSES), ('nnodes', MOST_MACHINES)):
            if (getattr(self, key) or 0) > most:
                raise RequestError(f'{key}={getattr(self, key)}: {most} at most')
        nnodes, number, place = self.nnodes, self.node_rank, self.rdzv
        if nnodes > 1:
            if number is None or place is None:
                raise RequestError(f'nnodes={nnodes}: each machine needs node_rank= (0 to {nnodes - 1}) and the same '
                                   'rdzv=HOST:PORT, with HOST the machine of node_rank=0')
            if number >= nnodes:
                raise RequestError(f'node_rank={number}: of nnodes={nnodes} the last is {nnodes - 1}')
            if not re.fullmatch(r'\S+:\d{1,5}', place) or not 0 < int(place.rpartition(':')[2]) < 2**16:
                raise RequestError(f'rdzv={place}: HOST:PORT, for instance {place.partition(":")[0]}:29400')
        elif number or place is not None:
            raise RequestError(f'{"rdzv" if place is not None else "node_rank"}= is for several machines: give nnodes= '
                               'too')

    @property
    def processes_here(self) -> int:
        """How many on this machine."""
        return self.gpus or self.procs or 1

    @property
    def several(self) -> bool:
        """Whether it is more than one process."""
        return self.nnodes > 1 or self.processes_here > 1
