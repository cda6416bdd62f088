# The Python environment of a stack: made on first use, reused after. Sourced by scripts/*.
#
# Everything comes from docker/lock with hashes; mmcv-full is compiled once by docker/build_mmcv.py into a wheel cache
# ($HEAD_CACHE, by default ~/.cache/head) that outlives the checkout. A stamp, written last, says what an environment
# was made from: without it, or with another one, the environment is made anew.
# shellcheck shell=bash
set -euo pipefail

HEAD_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HEAD_CACHE=${HEAD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/head}

say() { printf '%s\n' "$*" >&2; }

give_up() {  # exit status, message
    say "head: $2"
    exit "$1"
}

# Compute capabilities of this machine's GPUs, a line each.
gpu_capabilities() { nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | grep -x '[0-9]*\.[0-9]*' | sort -u || true; }

# The stack for this machine's GPUs, in the environment (venv) or the image: the paper's unless another one is needed.
auto_stack() {
    local capabilities stack
    mapfile -t capabilities < <(gpu_capabilities)
    stack=$("$HEAD_ROOT/docker/stack_for_gpu.sh" "$1" "${capabilities[@]+"${capabilities[@]}"}") || stack=paper
    if [ "$stack" != paper ]; then
        say "head: stack=$stack, for a GPU of compute capability ${capabilities[*]} (stack=paper cannot drive it)"
    fi
    echo "$stack"
}

# The stack that a `stack=` key among the arguments asks for, in the environment (venv) or the image.
stack_of() { # venv|image, argument …
    local stack=auto argument
    for argument in "${@:2}"; do
        case $argument in stack=*) stack=${argument#stack=} ;; esac
    done
    if [ "$stack" = auto ]; then
        auto_stack "$1"
        return
    fi
    [ -f "$HEAD_ROOT/docker/stack-$stack.env" ] ||
        give_up 2 "stack=$stack: no such stack; there is: auto $(cd "$HEAD_ROOT/docker" && echo stack-*.env | sed 's/stack-\([a-z]*\).env/\1/g')"
    echo "$stack"
}

# A setting of docker/stack-STACK.env.
setting() { sed -n "s/^$2=//p" "$HEAD_ROOT/docker/stack-$1.env"; }

# A Python that runs, is of the version asked for and can make environments: from the PATH, pyenv or uv.
find_python() {
    local version=$1 candidate
    local check="import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '$version')"
    for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
        if "$candidate" -c "$check" 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    if command -v uv >/dev/null; then
        uv python install --quiet "$version" >&2 || true
        candidate=$(uv python find "$version" 2>/dev/null || true)
        if [ -n "$candidate" ] && "$candidate" -c "$check" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    fi
    give_up 3 "no python $version: install it with its venv and headers (apt-get install python$version-venv python$version-dev, or pyenv install $version, or uv)"
}

# The stack's lock, with what docker/lock/STACK-DEVICE.lock says instead where there is one, and without mmcv-full, which
# is built from its archive.
requirements() {
    local lock=$HEAD_ROOT/docker/lock/$1.lock own=$HEAD_ROOT/docker/lock/$1-$2.lock
    [ -f "$own" ] || own=/dev/null
    cat "$own"
    awk '/^[a-z]/ { name = $1; sub(/=.*/, "", name) }
         FILENAME != ARGV[2] { own[name] = 1; next }
         !(name in own) && name != "mmcv-full"' "$own" "$lock"
}

pip_install() { "$1" -m pip install --disable-pip-version-check --no-deps "${@:2}"; }

# What an environment is made from, as one hash.
recipe() {
    (cd "$HEAD_ROOT/docker" && sha256sum "stack-$1.env" "lock/$1.lock" environment.sh build_mmcv.py | sha256sum)
}

# Arguments: stack, folder, and for an image the device (cuda, cpu) that it is for.
make_environment() {
    local stack=$1 venv=$2 device=${3:-auto} python version quiet wheel pip_python
    version=$(setting "$stack" PYTHON)
    python=$(find_python "$version") || exit $?
    if ! command -v "${CXX:-c++}" >/dev/null; then
        give_up 3 "no C++ compiler to build mmcv-full: install g++ (apt-get install g++)"
    fi
    "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        give_up 3 "no headers of $python: install python$version-dev"
    [ -t 2 ] && quiet=() || quiet=(--quiet)
    say "head: making the $stack environment in $venv (once, some minutes)"
    say "[1/3] python $version: $python"
    rm -rf "$venv"
    "$python" -m venv "$venv" || give_up 3 "$python cannot make a virtual environment: install python$version-venv"
    pip_python=$venv/bin/python
    say "[2/3] packages of docker/lock/$stack.lock, hashes checked (about $(setting "$stack" SIZE))"
    pip_install "$pip_python" "${quiet[@]}" --require-hashes -r <(requirements "$stack" "$device") >&2 ||
        give_up 3 "the packages of docker/lock/$stack.lock could not be installed (see above); run the command again"
    say "[3/3] mmcv-full"
    wheel=$("$pip_python" "$HEAD_ROOT/docker/build_mmcv.py" "stack=$stack" "device=$device") || exit $?
    pip_install "$pip_python" --quiet "$wheel" >&2 || give_up 3 "$wheel could not be installed (see above)"
}

# Leaves the environment's Python in $HEAD_PYTHON.
enter_environment() {
    local stack=$1 venv=$HEAD_ROOT/.venv/$1
    export HEAD_STACK=$stack
    HEAD_PYTHON=$venv/bin/python
    if [ "$(cat "$venv/made-from" 2>/dev/null)" != "$(recipe "$stack")" ]; then
        mkdir -p "$HEAD_ROOT/.venv"
        (
            flock --exclusive 9
            if [ "$(cat "$venv/made-from" 2>/dev/null)" != "$(recipe "$stack")" ]; then
                make_environment "$stack" "$venv" # exits when it fails
                recipe "$stack" >"$venv/made-from"
            fi
        ) 9>"$HEAD_ROOT/.venv/$stack.lock" || exit $?
    fi
    source "$HEAD_ROOT/docker/processor.sh"
    export PATH=$venv/bin:$PATH PYTHONPATH=$HEAD_ROOT${PYTHONPATH:+:$PYTHONPATH}
}

# Adds the development and test tools to the stack's environment.
enter_development() {
    enter_environment "$1"
    local lock=$HEAD_ROOT/docker/lock/dev-$1.lock stamp=$HEAD_ROOT/.venv/$1/tools-made-from
    if [ "$(cat "$stamp" 2>/dev/null)" != "$(sha256sum <"$lock")" ]; then
        say "head: installing the test tools of docker/lock/dev-$1.lock"
        pip_install "$HEAD_PYTHON" --quiet --require-hashes -r "$lock" >&2 ||
            give_up 3 "the test tools of docker/lock/dev-$1.lock could not be installed (see above); run the command again"
        sha256sum <"$lock" >"$stamp"
    fi
}

# Runs `python -m head COMMAND key=value …` in the environment that the keys ask for.
hand_over() {
    local stack
    stack=$(stack_of venv "$@") || exit $?
    enter_environment "$stack"
    exec "$HEAD_PYTHON" -m head "$@"
}
