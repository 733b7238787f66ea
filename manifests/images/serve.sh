#!/usr/bin/env bash
# Serves the one model below AZUREML_MODEL_DIR over the OpenAI API: the folder that holds a
# config.json, wherever the asset's own folders put it. Callers name it by KRSP_MODEL_NAME.
set -euo pipefail
root=${AZUREML_MODEL_DIR:?Azure ML sets this to where it has mounted the model}
found=$(find "$root" -name config.json -not -path '*/checkpoint-*' -printf '%h\n' | sort | head -n 1)
if [ -z "$found" ]; then
  echo "There is no model (a folder with config.json) below $root." >&2
  exit 2
fi
# The server knows a model by its path; the link gives it the name that it is registered under.
served=$(mktemp -d)
name=${KRSP_MODEL_NAME:-model}
ln -s "$found" "$served/$name"
cd "$served"
exec python -m transformers.cli.transformers serve "$name" --host "${KRSP_HOST:-0.0.0.0}" --port "${KRSP_PORT:-8000}"
