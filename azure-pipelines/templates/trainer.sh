#!/usr/bin/env bash
# Usage: trainer.sh VERB [ARGUMENT ...]    Runs `python -m trainer`, its complaints as issues.
set -uo pipefail

complaints=$(mktemp)
trap 'rm -f "$complaints"' EXIT

python -m trainer "$@" 2>"$complaints"
code=$?

while IFS= read -r line || [ -n "$line" ]; do
  # A line of its own is no order: what a person typed may look like one.
  line=${line//'##vso['/'## vso['}
  if [ "$code" -ne 0 ] && [ -n "$line" ]; then
    printf '##vso[task.logissue type=error]%s\n' "$line"
  else
    printf '%s\n' "$line"
  fi
done <"$complaints"
exit "$code"
