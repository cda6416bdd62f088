# One file for every stack and device. Stages:
#   wheels       compilers; the environment of environment/lock, with mmcv-full built by environment/build_mmcv.py
#   environment  that environment without compilers, on the runtime base
#   test         with the test suite and its tools
#   runtime      the image: with the project
# The arguments' values are in docker/bases.yaml: build with scripts/image, or docker compose build.

# what the wheels are built on and what the image runs on: Debian or Ubuntu
ARG BUILD_BASE
ARG RUNTIME_BASE
# an image that holds ready wheels of mmcv-full in /wheels, laid out as environment/build_mmcv.py's cache
ARG WHEELS=no-wheels

FROM scratch AS no-wheels
FROM ${WHEELS} AS ready-wheels


FROM ${BUILD_BASE} AS wheels
ARG STACK=paper
ARG DEVICE=cuda
# GPU architectures to compile mmcv-full for (8.0;9.0), in the place of the stack's
ARG ARCHS=
ENV HEAD_CACHE=/cache PIP_NO_CACHE_DIR=1
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /head
COPY environment/settings.sh environment/stack-*.env environment/
COPY docker/install_python.sh docker/
RUN docker/install_python.sh "$STACK" build
COPY environment/make.sh environment/build_mmcv.py environment/
COPY environment/lock/${STACK}*.lock environment/lock/
RUN --mount=type=cache,target=/cache --mount=type=bind,from=ready-wheels,target=/ready \
    if [ -d /ready/wheels ]; then cp -rn /ready/wheels /cache/; fi; \
    if [ -n "$ARCHS" ]; then sed -i "s/^\(CUDA_ARCHS_[^=]*\)=.*/\1=$ARCHS/" "environment/stack-$STACK.env"; fi; \
    environment/make.sh "$STACK" /opt/venv "$DEVICE"; \
    # compilers, Triton among them, which would need a C compiler at run time; what compilers and linkers read; and
    # libraries that no other one loads
    /opt/venv/bin/python -m pip uninstall --yes --quiet \
        nvidia-cuda-nvcc nvidia-cuda-crt nvidia-nvvm nvidia-cuda-cccl triton; \
    find /opt/venv \( -name '*.a' -o -name '*.bc' -o -path '*/torch/include/*' \
        -o -name 'libcusolverMg.so.*' -o -name 'libnvrtc*.alt.so.*' \) -delete; \
    mkdir /opt/cuda; \
    if [ -d /usr/local/cuda ]; then cp -L /usr/local/cuda/lib64/libcudart.so.*.? /opt/cuda/; fi


FROM ${RUNTIME_BASE} AS environment
ARG STACK=paper
ARG DEVICE=cuda
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
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /head
COPY environment/settings.sh environment/stack-*.env environment/
COPY docker/install_python.sh docker/
# any uid may run it: folders to write to are everybody's, like /tmp
RUN docker/install_python.sh "$STACK" run \
    && install -d -m 1777 /home/head work_dirs \
    && install -d data/coco pretrained
COPY --from=wheels /opt/venv /opt/venv
# with ARCHS in them
COPY --from=wheels /head/environment/stack-*.env environment/
# torch has a CUDA runtime of its own, under a name of its own; mmcv-full's operators want the plain one
COPY --from=wheels /opt/cuda /usr/local/lib
RUN ldconfig
USER 1000:1000


FROM environment AS test
ARG STACK=paper
USER 0:0
COPY environment/lock/dev-${STACK}.lock environment/lock/
RUN python -m pip install --no-cache-dir --no-deps --require-hashes -r "environment/lock/dev-$STACK.lock"
COPY . .
ENV HEAD_COMMIT=unknown
USER 1000:1000
# tests/environment and tests/container are about the checkout and the engine, tests/browser installs one
ENTRYPOINT ["tini", "--", "/head/docker/entrypoint", \
            "python", "-m", "pytest", "--ignore=tests/environment", \
            "--ignore=tests/container", "--ignore=tests/browser"]


# last: the default target
FROM environment AS runtime
ARG STACK=paper
ARG DEVICE=cuda
COPY docker/entrypoint docker/
COPY environment/processor.sh environment/python.sh environment/gpu_stack.sh environment/
COPY LICENSE CITATION.cff ./
# a verdict tells its hash
COPY environment/lock/${STACK}.lock environment/lock/
COPY configs configs
COPY head head
ARG REVISION=unknown
ARG SOURCE=unknown
ARG VERSION=unknown
ARG PACKAGES=unknown
ARG RUNTIME_BASE
ENV HEAD_COMMIT=$REVISION
LABEL org.opencontainers.image.title="HEAD, reproduced" \
      org.opencontainers.image.description="HEtero-Assists Distillation (ECCV 2022): train, evaluate, compare with the paper" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.version="$VERSION-$STACK-$DEVICE" \
      org.opencontainers.image.base.name="$RUNTIME_BASE" \
      head.packages="$PACKAGES"
ENTRYPOINT ["tini", "--", "/head/docker/entrypoint"]
