#!/usr/bin/env bash
# Prints what pip installs for a stack: environment/requirements.sh STACK DEVICE
# Its lock, with what lock/STACK-DEVICE.lock says instead where there is one, and without mmcv-full, which
# build_mmcv.py builds from its archive.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/lock"

own=$1-$2.lock
[ -f "$own" ] || own=/dev/null
cat "$own"
awk '/^[a-z]/ { name = $1; sub(/=.*/, "", name) }
     FILENAME != ARGV[2] { own[name] = 1; next }
     !(name in own) && name != "mmcv-full"' "$own" "$1.lock"
