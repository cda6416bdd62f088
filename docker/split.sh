#!/usr/bin/env bash
# Splits an environment into three folders, each a layer of the image: docker/split.sh ENVIRONMENT FOLDER
# torch: torch and CUDA. large: other packages of 8 MB and more. small: the rest. A package that changes moves its own part
# alone.
set -euo pipefail

site=$(cd "$1"/lib/python*/site-packages && pwd)
mkdir -p "$2"/{torch,large}"$site" "$2/small$(dirname "$1")"
for package in "$site"/*; do
    case ${package##*/} in
        torch | torchvision | torchvision.libs | nvidia)
            mv "$package" "$2/torch$site/"
            continue
            ;;
    esac
    # of the files alone: what a folder takes is the file system's
    bytes=$(find "$package" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }')
    if [ "$bytes" -ge 8000000 ]; then mv "$package" "$2/large$site/"; fi
done
mv "$1" "$2/small$1"
