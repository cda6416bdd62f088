# Finds or makes the environment of a stack, and enters it. Sourced by scripts/*.
#
# A stamp, written last, says what an environment was made from: without it, or with another one, it is made anew.
# shellcheck shell=bash
set -euo pipefail

HEAD_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HOME=${HOME-~} # where it is unset, that of the list of users, or /
# where wheels of mmcv-full and parsed annotations outlive the checkout
export HEAD_CACHE=${HEAD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/head}
source "$HEAD_ROOT/environment/settings.sh"
source "$HEAD_ROOT/environment/python.sh"

# Compute capabilities of this machine's GPUs, a line each.
gpu_capabilities() { nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | grep -x '[0-9]*\.[0-9]*' | sort -u || true; }

# The stack for this machine's GPUs, in the environment (venv) or the image: the paper's unless another one is needed.
auto_stack() {
    local capabilities stack
    mapfile -t capabilities < <(gpu_capabilities)
    stack=$("$HEAD_ROOT/environment/gpu_stack.sh" "$1" "${capabilities[@]+"${capabilities[@]}"}") || stack=paper
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
    [ -f "$HEAD_ROOT/environment/stack-$stack.env" ] ||
        give_up 2 "stack=$stack: no such stack; there is: auto $(cd "$HEAD_ROOT/environment" && echo stack-*.env | sed 's/stack-\([a-z]*\).env/\1/g')"
    echo "$stack"
}

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

# What an environment is made from, as one hash.
recipe() {
    (cd "$HEAD_ROOT/environment" &&
        sha256sum "stack-$1.env" "lock/$1.lock" settings.sh requirements.sh make.sh build_mmcv.py | sha256sum)
}

# Whether the environment of a stack is there, whole, and of today's recipe.
is_made() { [ "$(cat "$HEAD_ROOT/.venv/$1/made-from" 2>/dev/null)" = "$(recipe "$1")" ]; }

# Leaves the environment's Python in $HEAD_PYTHON. Nobody makes the environment anew until this process has ended, and
# what it becomes: a training goes on with the packages that it began with.
enter_environment() {
    local stack=$1 venv=$HEAD_ROOT/.venv/$1 python held
    export HEAD_STACK=$stack
    HEAD_PYTHON=$venv/bin/python
    if ! is_made "$stack"; then
        mkdir -p "$HEAD_ROOT/.venv"
        (
            flock --exclusive 9
            if ! is_made "$stack"; then
                flock --exclusive --nonblock --conflict-exit-code 75 8 2>/dev/null || [ $? != 75 ] ||
                    give_up 3 "$venv: what environment/ says has changed, and a command still runs in it; run this one again when that has ended, or work in another checkout"
                python=$(find_python "$(setting "$stack" PYTHON)") || exit $?
                "$HEAD_ROOT/environment/make.sh" "$stack" "$venv" "$python" 8>&- 9>&- || exit $?
                recipe "$stack" >"$venv/made-from"
            fi
        ) 8>>"$venv.in-use" 9>"$HEAD_ROOT/.venv/$stack.lock" || exit $?
    fi
    # where it cannot be opened or locked, the environment is somebody else's, or the filesystem knows no locks
    { : >>"$venv.in-use"; } 2>/dev/null || true
    if { exec {held}<"$venv.in-use"; } 2>/dev/null; then flock --shared "$held" 2>/dev/null || true; fi
    source "$HEAD_ROOT/environment/processor.sh"
    export PATH=$venv/bin:$PATH PYTHONPATH=$HEAD_ROOT
}

# Adds the development and test tools to the stack's environment.
enter_development() {
    enter_environment "$1"
    local lock=$HEAD_ROOT/environment/lock/dev-$1.lock stamp=$HEAD_ROOT/.venv/$1/tools-made-from
    if [ "$(cat "$stamp" 2>/dev/null)" != "$(sha256sum <"$lock")" ]; then
        say "head: installing the test tools of environment/lock/dev-$1.lock"
        "$HEAD_PYTHON" -m pip install --disable-pip-version-check --no-deps --quiet --require-hashes -r "$lock" >&2 ||
            give_up 3 "the test tools of environment/lock/dev-$1.lock could not be installed (see above); run the command again"
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
