"""Prints the digests of the one image in an OCI layout, a name a line: docker/digests.py FOLDER

`image` is the manifest's, by which a registry knows it. `id` is the configuration's, which names the layers by what
they unpack to: it is the same whatever compressed them. `files` is of these names alone: it is the same whatever the
labels say.
"""

import hashlib
import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
image = json.loads((folder / 'index.json').read_text())['manifests'][0]['digest']
manifest = json.loads((folder / 'blobs' / image.replace(':', '/')).read_text())
print('image', image)
identity = manifest['config']['digest']
layers = json.loads((folder / 'blobs' / identity.replace(':', '/')).read_text())['rootfs']['diff_ids']
print('id', identity)
print('files', f'sha256:{hashlib.sha256(" ".join(layers).encode()).hexdigest()}')
