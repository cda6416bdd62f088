"""The experiment as a picture: every training a dot, mean and spread of each arm."""

from pathlib import Path
from statistics import mean, stdev
from typing import Dict, List, Union

import matplotlib
from matplotlib.figure import Figure


def draw(path: Union[str, Path], runs: Dict[str, List[float]], teacher: float) -> None:
    """Write it as SVG.

    Args:
        path: the file.
        runs: arm -> AP, 0 to 1, of each seed.
        teacher: the teacher's AP.
    """
    with matplotlib.rc_context({'svg.hashsalt': 'mini', 'font.size': 11}):
        figure = Figure(figsize=(7, 3.2), layout='constrained', facecolor='white')
        axes = figure.add_subplot()
        for place, values in enumerate(runs.values()):
            percent = [100 * value for value in values]
            axes.plot(percent, [place] * len(percent), 'o', color='#4878a8', alpha=0.5, markersize=6)
            axes.errorbar(mean(percent), place, xerr=stdev(percent), fmt='|', color='black', markersize=16, capsize=4)
        axes.axvline(100 * teacher, color='#a04040', linestyle='--', linewidth=1)
        axes.annotate('teacher', (100 * teacher, len(runs) - 0.5), xytext=(-4, 0), textcoords='offset points',
                      color='#a04040', ha='right', va='bottom')
        axes.set_yticks(range(len(runs)), list(runs))
        axes.set_ylim(len(runs) - 0.5, -0.5)
        axes.set_xlabel('AP on drawn images, percent: seeds, mean, standard deviation')
        axes.grid(axis='x', alpha=0.3)
        figure.savefig(path, format='svg', metadata=dict(Date=None))
