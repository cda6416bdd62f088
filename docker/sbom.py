"""Prints the SBOM of an image's Python packages, CycloneDX 1.6 in JSON, from the locks that they are installed from.

    docker/sbom.py STACK DEVICE

Needs nothing but Python 3.8. What Debian's packages are, the locks do not say: that is in the SBOM which BuildKit makes
of a whole image (`docker buildx build --sbom=true`, as .github/workflows/image.yml does).
"""

import hashlib
import json
import re
import sys
import uuid
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]


def entries(lock):
    """What a lock pins: of each name version, address or None, and sha256 hashes."""
    found = {}
    for line in lock.read_text().splitlines():
        pin = re.match(r'([a-z0-9][a-z0-9.-]*)(?:==| @ )(\S+)', line)
        if pin:
            name, version = pin.groups()
            address = version if '://' in version else None
            if address:  # a wheel, whose version is in its name
                version = unquote(Path(urlsplit(address).path).name).split('-')[1]
            found[name] = version, address, []
        for digest in re.findall(r'--hash=sha256:(\w+)', line):
            found[name][2].append(digest)
    return found


def left_out(device):
    """The packages that the image leaves out again."""
    lists = ['packages', 'packages_cpu'] if device == 'cpu' else ['packages']
    return {line for name in lists for line in (ROOT / f'docker/left_out/{name}.txt').read_text().splitlines()}


def component(name, version, address, digests):
    # a colon and the like would end the version
    purl = f'pkg:pypi/{name}@{quote(version, safe=".")}'
    if address:
        purl += f'?download_url={quote(address, safe="")}'
    # any of the files: which one fits the machine, pip decides
    reference = {
        'type': 'distribution',
        'url': address or f'https://pypi.org/simple/{name}/',
        'hashes': [{'alg': 'SHA-256', 'content': digest} for digest in digests],
    }
    return {'type': 'library', 'bom-ref': purl, 'name': name, 'version': version, 'purl': purl,
            'externalReferences': [reference]}


def sbom(stack, device):
    """The document; the same locks give the same bytes."""
    packages = entries(ROOT / f'environment/lock/{stack}.lock')
    own = ROOT / f'environment/lock/{stack}-{device}.lock'
    if own.exists():
        packages.update(entries(own))
    components = [component(name, *packages[name]) for name in sorted(packages.keys() - left_out(device))]
    version = re.search(r"^__version__ = '(.*)'", (ROOT / 'head/__init__.py').read_text(), re.M)[1]
    content = hashlib.sha256(json.dumps(components).encode()).hexdigest()
    return {
        'bomFormat': 'CycloneDX',
        'specVersion': '1.6',
        'serialNumber': f'urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f"head:{stack}-{device}:{version}:{content}")}',
        'version': 1,
        'metadata': {'component': {
            'type': 'container', 'bom-ref': 'image', 'name': 'head', 'version': f'{version}-{stack}-{device}',
            'licenses': [{'license': {'id': 'Apache-2.0'}}],
        }},
        'components': components,
    }


if __name__ == '__main__':
    print(json.dumps(sbom(*sys.argv[1:]), indent=1))
