#!/usr/bin/env bash
# Prints what the image's labels say of its origin, a KEY=value a line:
#     docker/image_labels.sh STACK [OPTION of docker compose …]
set -euo pipefail
cd "$(dirname "$0")/.."

# A remote's address for everybody: without credentials, not a folder of this machine, and the same whether it was cloned
# by HTTPS or SSH.
public() {
    sed -nE 's%^(https?|ssh)://([^@/]*@)?([^@:/?#]+)(:[0-9]+)?/([^@?#]+)$%https://\3/\5%
        s%^([^@/:]+@)?([^@/:]+):([^@/:?][^@:?]*)$%https://\2/\3%
        /^https:..[^@?#]*$/{ s%\.git$%%; p; }'
}

changes=$(git status --porcelain configs docker environment head Dockerfile)
source=$({ git remote get-url origin 2>/dev/null || true; } | public)
echo "REVISION=$(git rev-parse HEAD)${changes:++}"
echo "SOURCE=${source:-unknown}"
echo "DOCUMENTATION=${source:-unknown}${source:+#readme}"
# the commit's time, not the build's: the same commit makes the same image
echo "CREATED=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)"
# of the base that compose will build on
base=$(STACK=$1 docker compose "${@:2}" config train | sed -n 's/^ *RUNTIME_BASE: [^@]*@\(sha256:[0-9a-f]*\)$/\1/p')
echo "BASE_DIGEST=${base:-unknown}"
echo "VERSION=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" head/__init__.py)"
echo "PACKAGES=$(grep -oE '^(torch|torchvision|mmcv-full|mmdet|todd-ai|pycocotools|numpy)==[^ ]+' "environment/lock/$1.lock" |
    paste --serial --delimiters=,)"
