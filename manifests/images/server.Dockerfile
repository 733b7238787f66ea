# What an online deployment runs in: the trainer's image, serving the model that Azure ML has mounted.
#
#   az acr build --registry <registry> --image krsp-server:<tag> -f manifests/images/server.Dockerfile \
#     --build-arg TRAINER_IMAGE=<registry>.azurecr.io/krsp-trainer@sha256:<hash> .
#
# Linted by hadolint in a test; not built where this was written.

ARG TRAINER_IMAGE=krsp-trainer:local
FROM ${TRAINER_IMAGE}
ENV HF_HUB_OFFLINE=1 \
    KRSP_PORT=8000
WORKDIR /home/krsp
COPY --chmod=0755 manifests/images/serve.sh /usr/local/bin/krsp-serve
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=600s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["krsp-serve"]
