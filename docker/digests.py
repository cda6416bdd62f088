"""Prints the digests of the one image in an OCI layout, a name a line: docker/digests.py FOLDER

`image` is the manifest's, by which a registry knows it. `id` is the configuration's, which names the layers by what they
unpack to: it is the same whatever compressed them.
"""

import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
image = json.loads((folder / 'index.json').read_text())['manifests'][0]['digest']
manifest = json.loads((folder / 'blobs' / image.replace(':', '/')).read_text())
print('image', image)
print('id', manifest['config']['digest'])
