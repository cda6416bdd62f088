"""Where a run's numbers come from, as lines of a table."""

import shlex
from typing import List, NamedTuple, Optional

from msgspec.structs import asdict

from ..judging.verdict import sentence
from ..results.run import Run
from ..results.verdict_file import MiniVerdict, ParityVerdict, SmokeVerdict, Verdict, VerifyVerdict
from ..support.printed_text import LONGEST_LINE, printable


class Fact(NamedTuple):
    """A line of the table. `code`: a name, path or hash, to be shown as such."""

    name: str
    value: str
    code: bool = False


def _duration(seconds):
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes} min' if hours else f'{minutes} min {rest} s' if minutes else f'{seconds:.1f} s'


def _weights(weights):
    known = 'a file of the catalog' if weights.confirmed else 'not a file of the catalog'
    return [Fact(f'{weights.part}', weights.path, True),
            Fact(f'{weights.part}, SHA-256', f'{weights.sha256} ({known})', True)]


def _data(name, data):
    known = 'COCO val2017' if data.is_val2017 else 'not COCO val2017' if name == 'val' else ''
    holds = f'{data.images} images, {data.annotations} annotations' + (f'; {known}' if known else '')
    return [Fact(f'data, {name}', data.ann_file, True), Fact(f'data, {name}: holds', holds),
            Fact(f'data, {name}: SHA-256', data.sha256, True)]


def _of_run(verdict):
    facts = [Fact('config', verdict.config, True), Fact('config, SHA-256', verdict.config_sha256 or '', True),
             Fact('command', f'scripts/{shlex.join(verdict.arguments)}' if verdict.arguments else '', True)]
    for weights in [*([verdict.checkpoint] if verdict.checkpoint else []), *verdict.weights]:
        facts += _weights(weights)
    for name, data in verdict.data.items():
        facts += _data(name, data)
    if verdict.seed is not None:
        facts.append(Fact('seed', str(verdict.seed)))
    return facts


def _origin(verdict):
    facts = []
    if verdict.seconds is not None:
        images = getattr(verdict, 'images_per_second', None)
        speed = f', {images:.1f} images a second' if images is not None else ''
        facts.append(Fact('took', _duration(verdict.seconds) + speed))
    if getattr(verdict, 'fast', None) is not None:
        facts.append(Fact('fast forms', 'used' if verdict.fast else 'left out'))
    if verdict.tf32 is not None:
        facts.append(Fact('TensorFloat-32', 'allowed' if verdict.tf32 else 'off'))
    facts += [Fact('device', verdict.device or ''), Fact('stack', verdict.stack or ''),
              Fact('image', verdict.image or 'none: run outside of a container'),
              Fact('commit', verdict.commit or '', True), Fact('lock file, SHA-256', verdict.lock or '', True)]
    versions = (f'{name} {version}' for name, version in verdict.versions.items() if version is not None)
    return [*facts, Fact('versions', ', '.join(versions))]


def _of_log(log):
    of_more = ', which hold the lowest and the highest of more' if log.thinned else ''
    facts = [Fact('log', log.path, True), Fact('log, config', log.config_name or '', True),
             Fact('log, rows', f'{len(log.train)} of training, {len(log.val)} of evaluation{of_more}')]
    return [*facts, Fact('log, seed', str(log.seed))] if log.seed is not None else facts


def _parts(verdict: Optional[Verdict]) -> List[Fact]:
    """What a verdict that is of no row consists of."""
    if isinstance(verdict, (SmokeVerdict, ParityVerdict)):
        return [Fact(one.what.strip(), f'{one.found}, wanted {one.wanted}: {"holds" if one.holds else "does not hold"}')
                for one in verdict.checks]
    if isinstance(verdict, MiniVerdict):
        return [Fact(f'AP in percent, {arm}', ', '.join(f'{100 * value:.1f}' for value in values))
                for arm, values in verdict.runs.items()]
    if isinstance(verdict, VerifyVerdict):
        return [Fact(one.path, sentence(one.alias or 'no row of the table', asdict(one))) for one in verdict.results]
    return []


def facts(run: Run) -> List[Fact]:
    """What the verdict and the log of a run say of its origin; what they do not say is ``not recorded``."""
    lines = [*_parts(run.verdict), *(_of_run(run.run_verdict) if run.run_verdict else []),
             *(_origin(run.verdict) if run.verdict and run.verdict.command != 'verify' else []),
             *(_of_log(run.log) if run.log else [])]
    return [Fact(printable(name), printable(value, LONGEST_LINE) or 'not recorded', code and bool(value))
            for name, value, code in lines]


def texts(run: Run) -> List[Fact]:
    """Long texts of a run's log: the machine's description and the config, where it holds them."""
    if run.log is None:
        return []
    found = (Fact('The machine, as mmcv describes it', run.log.env_info or ''),
             Fact('The config as it was run', run.log.config_text or ''))
    return [text for text in found if text.value]
