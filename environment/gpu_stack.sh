#!/usr/bin/env bash
# The rule of which code runs on which GPU, for scripts and Python alike:
#     environment/gpu_stack.sh venv|image [CAPABILITY …]
# prints the stack that drives GPUs of these compute capabilities, the paper's where it does, in the environment that the
# scripts make (venv) or in the image: nothing, and status 1, where no stack drives them all;
#     environment/gpu_stack.sh fits ARCHITECTURES CAPABILITY
# tells by its status whether code for one of the architectures (7.5;8.0) runs on such a GPU.
set -euo pipefail
source "$(dirname "$0")/settings.sh"

# A GPU runs what was compiled for its major version and a minor one that is not newer.
fits() { # architectures, compute capability
    local arch
    for arch in ${1//;/ }; do
        if [ "${arch%.*}" = "${2%.*}" ] && [ "${arch#*.}" -le "${2#*.}" ]; then return; fi
    done
    return 1
}

fits_all() { # architectures, compute capabilities
    local capability
    for capability in "${@:2}"; do fits "$1" "$capability" || return 1; done
}

case $1 in
    fits) fits "$2" "$3" && exit || exit 1 ;;
    venv) cuda=CUDA ;;
    image) cuda=CUDA_IN_IMAGE ;;
esac
for stack in paper current; do
    if fits_all "$(setting "$stack" "CUDA_ARCHS_$(setting "$stack" "$cuda")")" "${@:2}"; then
        echo "$stack"
        exit
    fi
done
exit 1
