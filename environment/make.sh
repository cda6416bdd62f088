#!/usr/bin/env bash
# Makes the Python environment of a stack, for people and for the image:
#     environment/make.sh STACK FOLDER [DEVICE] [PYTHON]
# Everything comes from lock/ with hashes; build_mmcv.py compiles mmcv-full once into a wheel cache ($HEAD_CACHE). DEVICE
# (cuda, cpu) is that of an image; PYTHON, by default the stack's from the PATH, makes it.
#
# This file is part of the recipe: an edit makes every environment anew. What does not change what is installed is in
# shell.sh.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"

# The stack's lock, with what lock/STACK-DEVICE.lock says instead where there is one, and without mmcv-full, which is
# built from its archive.
requirements() { # stack, device
    local lock=$here/lock/$1.lock own=$here/lock/$1-$2.lock
    [ -f "$own" ] || own=/dev/null
    cat "$own"
    awk '/^[a-z]/ { name = $1; sub(/=.*/, "", name) }
         FILENAME != ARGV[2] { own[name] = 1; next }
         !(name in own) && name != "mmcv-full"' "$own" "$lock"
}

make_environment() { # stack, folder, device, python
    local stack=$1 folder=$2 device=$3 python=$4 version quiet wheel pip
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
    "${pip[@]}" "${quiet[@]}" --require-hashes -r <(requirements "$stack" "$device") >&2 ||
        give_up 3 "the packages of environment/lock/$stack.lock could not be installed (see above); run the command again"
    say "[3/3] mmcv-full"
    wheel=$("$folder/bin/python" "$here/build_mmcv.py" "stack=$stack" "device=$device") || exit $?
    "${pip[@]}" --quiet "$wheel" >&2 || give_up 3 "$wheel could not be installed (see above)"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    make_environment "$1" "$2" "${3:-auto}" "${4:-python$(setting "$1" PYTHON)}"
fi
