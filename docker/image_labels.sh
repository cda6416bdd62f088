#!/usr/bin/env bash
# Prints what the image's labels say of its origin, a KEY=value a line: docker/image_labels.sh STACK
set -euo pipefail
cd "$(dirname "$0")/.."

changes=$(git status --porcelain configs docker environment head Dockerfile)
echo "REVISION=$(git rev-parse HEAD)${changes:++}"
# without what a remote's address may hold of credentials
echo "SOURCE=$(git remote get-url origin 2>/dev/null | sed 's|://[^@/]*@|://|' | grep . || echo unknown)"
echo "VERSION=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" head/__init__.py)"
echo "PACKAGES=$(grep -oE '^(torch|torchvision|mmcv-full|mmdet|todd-ai|pycocotools|numpy)==[^ ]+' "environment/lock/$1.lock" |
    paste --serial --delimiters=,)"
