# The bot with its web client. Build from the root of the repository:
#
#   az acr build --registry <registry> --image krsp-bot:<tag> -f manifests/images/bot.Dockerfile .
#
# Linted by hadolint in a test; not built where this was written (no Docker, no registry there).

# Each base by tag and digest, `python:3.11-slim-bookworm@sha256:...`: deploy.yml passes the digests
# that the variable group `krsp-deploy` holds. Without one the tag's newest image is taken, so a
# build by hand is not reproducible.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

# ---- the client's files --------------------------------------------------------------------------
FROM ${NODE_IMAGE} AS client
WORKDIR /srv/krsp/client
COPY client/package.json client/package-lock.json client/.npmrc ./
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY client/ ./
RUN npm run build

# ---- Python packages, as requirements.lock fixes them ----------------------------------------------
FROM ${PYTHON_IMAGE} AS packages
WORKDIR /srv/krsp
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/krsp
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY bot/ bot/
COPY trainer/ trainer/
# Editable, for the bot looks for pipelines, manifests and client beside its package. No `train`
# extra: the bot needs no torch, and 3 GB stay out.
RUN /opt/krsp/bin/python -m pip install --constraint requirements.lock --editable .

# ---- what runs -----------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 krsp \
    && useradd --uid 10001 --gid krsp --home-dir /srv/krsp --no-create-home --shell /usr/sbin/nologin krsp \
    && install --directory --owner=krsp --group=krsp --mode=0700 /var/lib/krsp
WORKDIR /srv/krsp
COPY --from=packages /opt/krsp /opt/krsp
COPY --from=packages /srv/krsp /srv/krsp
COPY --from=client /srv/krsp/client/dist client/dist
COPY azure-pipelines/ azure-pipelines/
COPY manifests/azureml/ manifests/azureml/
ENV PATH=/opt/krsp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    KRSP_HOME=/var/lib/krsp
USER 10001:10001
EXPOSE 3978
# Docker's own check; Container Apps asks by the probes in manifests/azure/modules/app.bicep.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3978/healthz', timeout=4)"]
# Settings come from the environment; no secret is in this image.
CMD ["python", "-m", "bot", "serve"]
