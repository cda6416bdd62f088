#!/usr/bin/env bash
# Prints what the image's labels say of its origin, a KEY=value a line: docker/facts.sh STACK
set -euo pipefail
cd "$(dirname "$0")/.."

changes=$(git status --porcelain configs docker head Dockerfile)
echo "REVISION=$(git rev-parse HEAD)${changes:++}"
# without what a remote's address may hold of credentials
echo "SOURCE=$(git remote get-url origin 2>/dev/null | sed 's|://[^@/]*@|://|' | grep . || echo unknown)"
echo "VERSION=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" head/__init__.py)"
echo "PACKAGES=$(grep -oE '^(torch|torchvision|mmcv-full|mmdet|todd-ai|pycocotools|numpy)==[^ ]+' "docker/lock/$1.lock" |
    paste --serial --delimiters=,)"
