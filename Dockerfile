# One file for every stack and device. Stages:
#   recipe       what installs packages of Debian or Ubuntu
#   wheels       compilers; the packages of environment/lock, with mmcv-full built by environment/build_mmcv.py
#   packages     what of them the image holds, in three parts by how often they change
#   environment  those on the runtime base, without compilers
#   test         with the test suite and its tools
#   project      what the image holds of this repository
#   runtime      the image
# The arguments' values are in docker/bases.yaml: build with scripts/image, or docker compose build. Whoever builds a commit
# gets the same files in the same layers: scripts/image check.

# what the wheels are built on and what the image runs on: Debian or Ubuntu
ARG BUILD_BASE
ARG RUNTIME_BASE
# an image that holds ready wheels of mmcv-full in /wheels, laid out as environment/build_mmcv.py's cache
ARG WHEELS=no-wheels

FROM scratch AS no-wheels
FROM ${WHEELS} AS ready-wheels


# what installs the distribution's packages; where from is nothing of the image's
FROM ${BUILD_BASE} AS recipe
ARG STACK=paper
# where else the archive of a day is kept: docker/install_python.sh
ARG APT_SNAPSHOTS=
COPY environment/stack-${STACK}.env /recipe/environment/
COPY docker/install_python.sh /recipe/docker/
RUN echo "$APT_SNAPSHOTS" >/recipe/apt_snapshots


FROM ${BUILD_BASE} AS wheels
ARG STACK=paper
ARG DEVICE=cuda
# GPU architectures to compile mmcv-full for (8.0;9.0), in the place of the stack's
ARG ARCHS=
# the day of the distribution's archive
ARG SNAPSHOT=
# the time of every file that is newer
ARG SOURCE_DATE_EPOCH=
# where what was downloaded and compiled outlives a build; a folder that is not /cache keeps nothing
ARG CACHE=/cache
ENV HEAD_CACHE=$CACHE \
    PIP_CACHE_DIR=$CACHE/pip \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /head
COPY environment/stack-${STACK}.env environment/
RUN --mount=type=bind,from=recipe,source=/recipe,target=/recipe /recipe/docker/install_python.sh "$STACK" build
COPY environment/requirements.sh environment/
COPY environment/lock/${STACK}*.lock environment/lock/
RUN --mount=type=cache,target=/cache \
    "python$(sed -n s/^PYTHON=//p "environment/stack-$STACK.env")" -m venv /opt/venv; \
    /opt/venv/bin/python -m pip install --quiet --no-deps --no-compile --require-hashes \
        -r <(environment/requirements.sh "$STACK" "$DEVICE")
COPY environment/build_mmcv.py environment/
RUN --mount=type=cache,target=/cache --mount=type=bind,from=ready-wheels,target=/ready \
    if [ -d /ready/wheels ]; then mkdir -p "$CACHE"; cp -rn /ready/wheels "$CACHE/"; fi; \
    if [ -n "$ARCHS" ]; then sed -i "s/^\(CUDA_ARCHS_[^=]*\)=.*/\1=$ARCHS/" "environment/stack-$STACK.env"; fi; \
    wheel=$(/opt/venv/bin/python environment/build_mmcv.py "stack=$STACK" "device=$DEVICE"); \
    # pip records where from: the same place, whatever cache it was in
    cp "$wheel" /tmp/; \
    /opt/venv/bin/python -m pip install --quiet --no-deps --no-compile --no-index "/tmp/${wheel##*/}"; \
    mkdir /opt/cuda; \
    if [ -d /usr/local/cuda ]; then cp -L /usr/local/cuda/lib64/libcudart.so.*.? /opt/cuda/; fi


FROM wheels AS packages
ARG STACK=paper
ARG DEVICE=cuda
COPY docker/leave_out.py docker/stub_libraries.py docker/split.sh docker/
COPY docker/left_out docker/left_out
RUN /opt/venv/bin/python docker/leave_out.py "$STACK" "$DEVICE"; \
    # Ubuntu's has pip once more
    rm -rf /opt/venv/share/python-wheels; \
    # modules are compiled to what does not change with their files' times, and with one order of what has none; one of
    # torch's is for another Python
    find /opt/venv -name __pycache__ -prune -exec rm -r {} +; \
    PYTHONHASHSEED=0 /opt/venv/bin/python -m compileall -q -x py312_ --invalidation-mode unchecked-hash \
        /opt/venv/lib; \
    docker/split.sh /opt/venv /opt/parts


FROM ${RUNTIME_BASE} AS environment
ARG STACK=paper
ARG DEVICE=cuda
ARG SNAPSHOT=
ARG SOURCE_DATE_EPOCH=
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/head \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONNOUSERSITE=1 \
    HOME=/home/head \
    USER=head \
    HEAD_STACK=$STACK \
    HEAD_IMAGE=$STACK-$DEVICE \
    HEAD_CACHE=/head/work_dirs/.cache \
    # under Apptainer it is not process 1, and would warn
    TINI_SUBREAPER=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /head
# any uid may run it: folders to write to are everybody's, like /tmp
RUN --mount=type=bind,from=recipe,source=/recipe,target=/recipe /recipe/docker/install_python.sh "$STACK" run \
    && install -d -m 1777 /home/head work_dirs \
    && install -d data/coco pretrained
COPY --from=packages /opt/parts/torch /
COPY --from=packages /opt/parts/large /
COPY --from=packages /opt/parts/small /
# torch has a CUDA runtime of its own, under a name of its own; mmcv-full's operators want the plain one
COPY --from=wheels /opt/cuda /usr/local/lib
RUN ldconfig && rm -rf /var/cache/ldconfig
USER 1000:1000


FROM environment AS test
ARG STACK=paper
USER 0:0
COPY environment/lock/dev-${STACK}.lock environment/lock/
# with the pip that the image leaves out
RUN --mount=type=bind,from=wheels,source=/opt/venv/lib,target=/with-pip \
    python /with-pip/python*/site-packages/pip install --no-cache-dir --no-deps --require-hashes \
        -r "environment/lock/dev-$STACK.lock"
COPY . .
RUN chmod -R u=rwX,go=rX .
ENV HEAD_COMMIT=unknown
USER 1000:1000
# tests/environment and tests/container are about the checkout and the engine, tests/browser installs one
ENTRYPOINT ["tini", "--", "/head/docker/entrypoint", \
            "python", "-m", "pytest", "--ignore=tests/environment", \
            "--ignore=tests/container", "--ignore=tests/browser"]


# what the image has of the project, with one time and readable by everybody, whatever the checkout's files are
FROM ${RUNTIME_BASE} AS project
ARG STACK=paper
ARG SOURCE_DATE_EPOCH=
WORKDIR /project
COPY LICENSE CITATION.cff ./
COPY docker/entrypoint docker/
COPY environment/settings.sh environment/processor.sh environment/python.sh environment/gpu_stack.sh \
    environment/stack-*.env environment/
# with ARCHS in it
COPY --from=wheels /head/environment/stack-${STACK}.env environment/
# a verdict tells its hash
COPY environment/lock/${STACK}.lock environment/lock/
COPY configs configs
COPY head head
RUN chmod -R ug-s,u=rwX,go=rX . && find . -exec touch --no-dereference --date "@${SOURCE_DATE_EPOCH:-0}" {} +


# last: the default target
FROM environment AS runtime
ARG STACK=paper
ARG DEVICE=cuda
COPY --from=project /project /head
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
ARG DOCUMENTATION=unknown
ARG VERSION=unknown
ARG PACKAGES=unknown
ARG RUNTIME_BASE
ARG BASE_DIGEST=unknown
ENV HEAD_COMMIT=$REVISION
LABEL org.opencontainers.image.title="HEAD, reproduced" \
      org.opencontainers.image.description="HEtero-Assists Distillation (ECCV 2022): train, evaluate, compare with the paper" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.documentation="$DOCUMENTATION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.version="$VERSION-$STACK-$DEVICE" \
      org.opencontainers.image.base.name="$RUNTIME_BASE" \
      org.opencontainers.image.base.digest="$BASE_DIGEST" \
      head.packages="$PACKAGES"
ENTRYPOINT ["tini", "--", "/head/docker/entrypoint"]
