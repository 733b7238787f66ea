#!/usr/bin/env bash
# Usage: trainer.sh VERB [ARGUMENT ...]
#
# Runs `python -m trainer`. Its complaints become issues of the run, and nothing that it prints is an
# order to the agent: text that a person typed may look like `##vso[...]`.
set -uo pipefail

complaints=$(mktemp)
trap 'rm -f "$complaints"' EXIT

# -u: each line at once, for whoever watches.
python -m trainer "$@" 2>"$complaints" | sed -u 's/##vso\[/## vso[/g'
code=${PIPESTATUS[0]}

while IFS= read -r line || [ -n "$line" ]; do
  line=${line//'##vso['/'## vso['}
  if [ "$code" -ne 0 ] && [ -n "$line" ]; then
    printf '##vso[task.logissue type=error]%s\n' "$line"
  else
    printf '%s\n' "$line"
  fi
done <"$complaints"
exit "$code"
