#!/usr/bin/env bash
# Makes the Python environment of a stack, for people:
#     environment/make.sh STACK FOLDER PYTHON
# Everything comes from lock/ with hashes; build_mmcv.py compiles mmcv-full once into a wheel cache ($HEAD_CACHE). PYTHON
# makes it. The image's environment is made in the Dockerfile, of the same files.
#
# This file is part of the recipe: an edit makes every environment anew. What does not change what is installed is in
# shell.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"

stack=$1 folder=$2 python=$3
version=$(setting "$stack" PYTHON)
if ! command -v "${CXX:-c++}" >/dev/null; then
    give_up 3 "no C++ compiler to build mmcv-full: install g++ (apt-get install g++)"
fi
"$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    give_up 3 "no headers of $python: install python$version-dev"
[ -t 2 ] && quiet=() || quiet=(--quiet)
say "head: making the $stack environment in $folder (once, some minutes)"
say "[1/3] python $version: $python"
rm -rf "$folder"
"$python" -m venv "$folder" || give_up 3 "$python cannot make a virtual environment: install python$version-venv"
pip=("$folder/bin/python" -m pip install --disable-pip-version-check --no-deps)
say "[2/3] packages of environment/lock/$stack.lock, hashes checked (about $(setting "$stack" SIZE))"
"${pip[@]}" "${quiet[@]}" --require-hashes -r <("$here/requirements.sh" "$stack" auto) >&2 ||
    give_up 3 "the packages of environment/lock/$stack.lock could not be installed (see above); run the command again"
say "[3/3] mmcv-full"
wheel=$("$folder/bin/python" "$here/build_mmcv.py" "stack=$stack") || exit $?
"${pip[@]}" --quiet "$wheel" >&2 || give_up 3 "$wheel could not be installed (see above)"
