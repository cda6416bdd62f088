#!/usr/bin/env bash
# Makes the stand-in for the base images where no registry can be reached: Debian with a Python of the stack's version.
#
#     tests/container/stand_in_base.sh PYTHON_PREFIX TAG
#
# PYTHON_PREFIX is the folder of a self-contained CPython, as pyenv makes it. Needs root and debootstrap.
set -euo pipefail
prefix=$1 tag=$2

root=$(mktemp -d)
chmod 755 "$root"
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase bookworm "$root" >&2
# the libraries that such a Python is linked with
chroot "$root" apt-get install --yes --quiet --no-install-recommends \
    libssl3 libffi8 libsqlite3-0 libbz2-1.0 liblzma5 zlib1g libreadline8 ca-certificates >&2
tar -C "$prefix" --exclude=./lib/python*/test --exclude=__pycache__ -c . | tar -C "$root/usr/local" -x
chroot "$root" ldconfig
cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
chroot "$root" apt-get clean
tar -C "$root" -c . | docker import - "$tag"
