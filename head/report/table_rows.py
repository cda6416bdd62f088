"""The results table: every row of the catalog with a number, and the runs of it."""

from dataclasses import dataclass
from typing import List, Tuple

from .. import catalog
from .outcome import Outcome


@dataclass
class Row:
    """A row of the table. `outcomes`: the runs of it, in the order of the page."""

    model: catalog.Model
    outcomes: List[Outcome]


def rows(outcomes: List[Outcome]) -> Tuple[List[Row], List[Outcome]]:
    """The table's rows in the catalog's order.

    Args:
        outcomes: of every run.

    Returns:
        the rows, also those without a run; the runs that are of no row.
    """
    table = [Row(model, [one for one in outcomes if one.row == model]) for model in catalog.models().values()
             if model.reported or model.printed]
    listed = {id(one) for row in table for one in row.outcomes}
    return table, [one for one in outcomes if id(one) not in listed]
