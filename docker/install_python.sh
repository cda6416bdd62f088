#!/usr/bin/env bash
# Installs the stack's Python, and with it what an image needs to build or to run: docker/install_python.sh STACK build|run
set -euo pipefail

source "$(dirname "$0")/../environment/settings.sh"
version=$(setting "$1" PYTHON)
packages=(ca-certificates)
case $2 in
    build) packages+=(g++) ;;
    run) packages+=(tini) ;;
esac
# a base that brings its own Python is left alone
if ! command -v "python$version" >/dev/null; then
    packages+=("python$version" "python${version%.*}-distutils")
    if [ "$2" = build ]; then packages+=("python$version-venv" "python$version-dev"); fi
fi

# the key of these sources was rotated after the CUDA bases were made
rm -f /etc/apt/sources.list.d/{cuda,nvidia-ml}.list
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet
apt-get install --yes --quiet --no-install-recommends "${packages[@]}"
rm -rf /var/lib/apt/lists/*
