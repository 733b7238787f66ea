# What a job runs in: CUDA, Python 3.11, the trainer with the extra `train`. Build from the root:
#
#   az acr build --registry <registry> --image krsp-trainer:<tag> -f manifests/images/trainer.Dockerfile .
#
# Linted by hadolint in a test; not built where this was written, and never run on a GPU node. A job
# names it by digest, and its own code snapshot lies before the package on Python's path.

# Each base by tag and digest; see bot.Dockerfile. torch's wheel brings the CUDA libraries that it was
# built with, so the base gives the driver's interface, NCCL and the tools that people look for.
ARG CUDA_IMAGE=docker.io/nvidia/cuda:12.8.1-runtime-ubuntu24.04
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

# ---- Python packages, as requirements.lock fixes them ----------------------------------------------
FROM ${PYTHON_IMAGE} AS packages
WORKDIR /srv/krsp
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/krsp
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY trainer/ trainer/
COPY bot/__init__.py bot/
RUN /opt/krsp/bin/python -m pip install --constraint requirements.lock ".[train]"

# ---- what runs -----------------------------------------------------------------------------------
FROM ${CUDA_IMAGE}
# Ubuntu 24.04 has Python 3.12, and the trainer is proven on 3.11: it comes from Python's own image,
# whose older glibc runs here. The libraries are those that its standard library links to.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libffi8 libsqlite3-0 libssl3t64 \
        libtcmalloc-minimal4t64 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=packages /usr/local /usr/local
COPY --from=packages /opt/krsp /opt/krsp
# A missing library fails the build, not a job.
RUN ldconfig \
    && /opt/krsp/bin/python -c "import bz2, ctypes, lzma, sqlite3, ssl, trainer, torch, transformers" \
    && groupadd --gid 10001 krsp \
    && useradd --uid 10001 --gid krsp --create-home --shell /bin/bash krsp
# Training is faster with tcmalloc: trainer/contract/allocator.py.
ENV PATH=/opt/krsp/bin:$PATH \
    LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4 \
    TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD=4611686018427387904 \
    PYTHONUNBUFFERED=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
WORKDIR /home/krsp
# A batch job has no port to ask; this says whether the packages still load.
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import trainer.contract"]
# Azure ML replaces the command by the job's.
CMD ["python", "-m", "trainer", "--help"]
