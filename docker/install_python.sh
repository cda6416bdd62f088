#!/usr/bin/env bash
# Installs the stack's Python, and with it what an image needs to build or to run:
#     docker/install_python.sh STACK build|run
# Packages come from the distribution's archive as it was at $SNAPSHOT (20261101T000000Z), which Debian and Ubuntu keep;
# the file ../apt_snapshots may name another place that has it, laid out as DISTRIBUTION/SNAPSHOT. Without $SNAPSHOT they
# are today's.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^PYTHON=//p' "$here/environment/stack-$1.env")
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

# the one file of sources that apt reads, whatever the base has of its own
source /etc/os-release
sources=$(mktemp --suffix=.list)
if [ -n "${SNAPSHOT-}" ]; then
    elsewhere=$(cat "$here/apt_snapshots" 2>/dev/null || true)
    case $ID in
        debian)
            from=${elsewhere:-http://snapshot.debian.org/archive}
            printf "deb [check-valid-until=no] $from/%s/$SNAPSHOT %s main\n" \
                debian "$VERSION_CODENAME" debian "$VERSION_CODENAME-updates" \
                debian-security "$VERSION_CODENAME-security"
            ;;
        ubuntu)
            from=${elsewhere:-http://snapshot.ubuntu.com}
            printf "deb [check-valid-until=no] $from/ubuntu/$SNAPSHOT %s main universe\n" \
                "$VERSION_CODENAME" "$VERSION_CODENAME-updates" "$VERSION_CODENAME-security"
            ;;
        *)
            echo "head: $PRETTY_NAME: neither Debian nor Ubuntu" >&2
            exit 3
            ;;
    esac >"$sources"
    apt=(apt-get --quiet -o "Dir::Etc::SourceList=$sources" -o Dir::Etc::SourceParts=/dev/null)
else
    # the key of these sources was rotated after the CUDA bases were made
    rm -f /etc/apt/sources.list.d/{cuda,nvidia-ml}.list
    apt=(apt-get --quiet)
fi
export DEBIAN_FRONTEND=noninteractive
"${apt[@]}" update
"${apt[@]}" install --yes --no-install-recommends "${packages[@]}"
if [ "$2" = run ] && [[ $(command -v "python$version") == /usr/bin/* ]]; then
    # a package of Python compiles its modules in an order that chance gives
    find /usr/lib/python3* -name __pycache__ -prune -exec rm -r {} +
    PYTHONHASHSEED=0 "python$version" -m compileall -q --invalidation-mode unchecked-hash "/usr/lib/python$version"
fi
# what tells of the day, or of this machine
rm -rf "$sources" /var/lib/apt/lists/* /var/log/{apt,dpkg.log,alternatives.log} /var/cache/{apt,ldconfig,debconf} \
    /var/lib/dpkg/*-old
