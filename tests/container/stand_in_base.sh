#!/usr/bin/env bash
# Makes the stand-in for the base images where no registry can be reached: Debian, by itself or with a Python that it
# has no package of.
#
#     tests/container/stand_in_base.sh TAG [PYTHON_PREFIX]
#
# PYTHON_PREFIX is the folder of a self-contained CPython, as pyenv makes it. Needs root and debootstrap.
set -euo pipefail
tag=$1 prefix=${2-}

root=$(mktemp -d)
chmod 755 "$root"
trap 'rm -rf "$root"' EXIT
debootstrap --variant=minbase bookworm "$root" >&2
libraries=()
if [ -n "$prefix" ]; then # what such a Python is linked with
    libraries=(libssl3 libffi8 libsqlite3-0 libbz2-1.0 liblzma5 zlib1g libreadline8)
    tar -C "$prefix" --exclude=./lib/python*/test --exclude=__pycache__ -c . | tar -C "$root/usr/local" -x
fi
chroot "$root" apt-get install --yes --quiet --no-install-recommends ca-certificates "${libraries[@]}" >&2
chroot "$root" ldconfig
# whom this machine trusts, also after an upgrade of that package
cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/usr/local/share/ca-certificates/of-the-machine.crt"
chroot "$root" update-ca-certificates >&2
printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
chroot "$root" apt-get clean
tar -C "$root" -c . | docker import - "$tag"
