#!/usr/bin/env bash
# Prints the stack that drives GPUs of these compute capabilities, the paper's where it does:
#     docker/stack_for_gpu.sh venv|image CAPABILITY …
# in the environment that the scripts make (venv) or in the image. Nothing, and status 1, where no stack drives them all.
set -euo pipefail
cd "$(dirname "$0")"

setting() { sed -n "s/^$2=//p" "stack-$1.env"; }

# A GPU runs what was compiled for its major version and a minor one that is not newer.
drives() { # architectures, compute capability
    local arch
    for arch in ${1//;/ }; do
        if [ "${arch%.*}" = "${2%.*}" ] && [ "${arch#*.}" -le "${2#*.}" ]; then return; fi
    done
    return 1
}

drives_all() { # architectures, compute capabilities
    local capability
    for capability in "${@:2}"; do drives "$1" "$capability" || return 1; done
}

case $1 in
    venv) cuda=CUDA ;;
    image) cuda=CUDA_IN_IMAGE ;;
esac
for stack in paper current; do
    if drives_all "$(setting "$stack" "CUDA_ARCHS_$(setting "$stack" "$cuda")")" "${@:2}"; then
        echo "$stack"
        exit
    fi
done
exit 1
