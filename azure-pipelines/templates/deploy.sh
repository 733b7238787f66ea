#!/usr/bin/env bash
# Usage: deploy.sh build | what-if | migrate | apply | prove | switch | roll-back
#
# The steps of deploy.yml, each of which may be repeated. They talk through variables of the run:
# `build` tells the images, `apply` the app, its new revision and the one that answered before.
set -euo pipefail

: "${RESOURCE_GROUP:?the resource group of the installation}"
TEMPLATE=manifests/azure/main.bicep
PATIENCE=${PATIENCE:-60} # looks at something that takes its time
PAUSE_S=${PAUSE_S:-10}

# An agent leaves a variable that no step has told as it is written: `$(applied.app)`.
for name in APP REVISION BEFORE BOT_IMAGE TRAINER_IMAGE; do
  [[ ${!name:-} != '$('* ]] || unset "$name"
done

tell() { echo "##vso[task.setvariable variable=$1;isOutput=true]$2"; }
fail() {
  echo "##vso[task.logissue type=error]$*"
  exit 1
}

# Only the image's digest is ever deployed: a tag may mean something else tomorrow.
build_one() { # NAME DOCKERFILE [--build-arg A=B ...]; the image is in $built then
  local name=$1 file=$2
  shift 2
  az acr build --registry "$REGISTRY" --image "$name:$BUILD_ID" --file "$file" --no-logs "$@" . >/dev/null
  local digest server
  digest=$(az acr repository show --name "$REGISTRY" --image "$name:$BUILD_ID" --query digest --output tsv)
  server=$(az acr show --name "$REGISTRY" --query loginServer --output tsv)
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || fail "The registry $REGISTRY gives $name:$BUILD_ID no digest."
  built=$server/$name@$digest
}

build() {
  : "${REGISTRY:?the container registry}" "${BUILD_ID:?the number of this build}"
  local bases=() node=() bot trainer server
  [ -z "${PYTHON_IMAGE:-}" ] || bases+=(--build-arg "PYTHON_IMAGE=$PYTHON_IMAGE")
  [ -z "${NODE_IMAGE:-}" ] || node=(--build-arg "NODE_IMAGE=$NODE_IMAGE")
  build_one krsp-bot manifests/images/bot.Dockerfile "${bases[@]}" "${node[@]}"
  bot=$built
  [ -z "${CUDA_IMAGE:-}" ] || bases+=(--build-arg "CUDA_IMAGE=$CUDA_IMAGE")
  build_one krsp-trainer manifests/images/trainer.Dockerfile "${bases[@]}"
  trainer=$built
  build_one krsp-server manifests/images/server.Dockerfile --build-arg "TRAINER_IMAGE=$trainer"
  server=$built
  echo "The images: $bot $trainer $server"
  tell botImage "$bot"
  tell trainerImage "$trainer"
  tell serverImage "$server"
}

# The app's name; empty before the first deployment.
app_name() { az containerapp list --resource-group "$RESOURCE_GROUP" --query "[0].name" --output tsv; }

# The revision that answers people now; empty where there is none yet.
answering() { # APP
  local named
  named=$(az containerapp show --resource-group "$RESOURCE_GROUP" --name "$1" \
    --query "properties.configuration.ingress.traffic[?weight==\`100\`].revisionName | [0]" --output tsv)
  if [ -n "$named" ]; then
    echo "$named"
  else
    az containerapp show --resource-group "$RESOURCE_GROUP" --name "$1" \
      --query properties.latestReadyRevisionName --output tsv
  fi
}

arguments() { # what what-if and apply have in common
  local app=$1 traffic=
  [ -z "$app" ] || traffic=$(answering "$app")
  printf '%s\n' --resource-group "$RESOURCE_GROUP" --name "krsp-$BUILD_ID" \
    --template-file "$TEMPLATE" --parameters "$PARAMETERS_FILE" --parameters \
    "botImage=$BOT_IMAGE" "trainerImage=$TRAINER_IMAGE" "revisionSuffix=b$BUILD_ID" "trafficRevision=$traffic"
}

needs_images() {
  : "${BUILD_ID:?}" "${PARAMETERS_FILE:?the .bicepparam file}" "${BOT_IMAGE:?}" "${TRAINER_IMAGE:?}"
}

what_if() {
  needs_images
  mapfile -t given < <(arguments "$(app_name)")
  az deployment group what-if "${given[@]}"
}

# Before the new revision, which refuses a store of another version. The revision that answers works on
# with the migrated store: a migration adds, and takes away only what no revision uses any more.
migrate() {
  : "${BOT_IMAGE:?}"
  local job execution state=
  job=$(az containerapp job list --resource-group "$RESOURCE_GROUP" --query "[0].name" --output tsv)
  if [ -z "$job" ]; then
    echo "There is no job yet: the store is made after the first deployment."
    return
  fi
  az containerapp job update --resource-group "$RESOURCE_GROUP" --name "$job" --image "$BOT_IMAGE" >/dev/null
  execution=$(az containerapp job start --resource-group "$RESOURCE_GROUP" --name "$job" --query name --output tsv)
  for ((look = 0; look < PATIENCE; look++)); do
    state=$(az containerapp job execution show --resource-group "$RESOURCE_GROUP" --name "$job" \
      --job-execution-name "$execution" --query properties.status --output tsv)
    case $state in
      Succeeded) echo "The store is at the new version." && return ;;
      Failed | Stopped | Degraded) break ;;
    esac
    sleep "$PAUSE_S"
  done
  fail "The migration $execution ended as ${state:-unknown}; its lines are in Log Analytics, container migrate. Nothing was deployed."
}

apply() {
  needs_images
  local app before=
  app=$(app_name)
  [ -z "$app" ] || before=$(answering "$app")
  # Told first: a deployment that fails half-way may have made the revision.
  tell_revisions "$app" "$before"
  mapfile -t given < <(arguments "$app")
  az deployment group create "${given[@]}" --output none
  [ -z "$app" ] || return 0
  app=$(app_name)
  [ -n "$app" ] || fail "The deployment succeeded but made no container app; is botImage empty in $PARAMETERS_FILE?"
  tell_revisions "$app" ""
  migrate # the first time, the job exists only now; the revision starts again until it is done
}

tell_revisions() { # APP BEFORE
  tell app "$1"
  tell before "$2"
  tell revision "${1:+$1--b$BUILD_ID}"
}

is_ready() { curl --fail --silent --show-error --max-time 10 --output /dev/null "https://$1/readyz"; }

wait_ready() { # HOST
  for ((look = 0; look < PATIENCE; look++)); do
    is_ready "$1" 2>/dev/null && return
    sleep "$PAUSE_S"
  done
  is_ready "$1"
}

# Asks the new revision at an address of its own, while people still reach the old one.
prove() {
  : "${APP:?}" "${REVISION:?}"
  local host
  host=$(az containerapp revision show --resource-group "$RESOURCE_GROUP" --name "$APP" \
    --revision "$REVISION" --query properties.fqdn --output tsv)
  wait_ready "$host" || fail "The new revision $REVISION is not ready at https://$host/readyz; the old one still answers."
  echo "$REVISION is ready."
}

switch() {
  : "${APP:?}" "${REVISION:?}"
  az containerapp ingress traffic set --resource-group "$RESOURCE_GROUP" --name "$APP" \
    --revision-weight "$REVISION=100" --output none
  local host
  host=$(az containerapp show --resource-group "$RESOURCE_GROUP" --name "$APP" \
    --query properties.configuration.ingress.fqdn --output tsv)
  wait_ready "$host" || fail "The bot does not answer at https://$host/readyz after the switch."
  if [ -n "${BEFORE:-}" ] && [ "$BEFORE" != "$REVISION" ]; then
    az containerapp revision deactivate --resource-group "$RESOURCE_GROUP" --name "$APP" --revision "$BEFORE" --output none
  fi
  echo "$REVISION answers."
}

# Brings the old revision back; the store stays migrated, which the old revision can work with.
roll_back() {
  if [ -z "${APP:-}" ] || [ -z "${BEFORE:-}" ] || [ "${BEFORE}" = "${REVISION:-}" ]; then
    echo "Nothing answered before, so there is nothing to go back to."
    return
  fi
  az containerapp revision activate --resource-group "$RESOURCE_GROUP" --name "$APP" --revision "$BEFORE" --output none
  az containerapp ingress traffic set --resource-group "$RESOURCE_GROUP" --name "$APP" \
    --revision-weight "$BEFORE=100" --output none
  az containerapp revision deactivate --resource-group "$RESOURCE_GROUP" --name "$APP" --revision "$REVISION" --output none || true
  echo "##vso[task.logissue type=warning]$BEFORE answers again; $REVISION was put away."
}

case ${1:-} in
  build) build ;;
  what-if) what_if ;;
  migrate) migrate ;;
  apply) apply ;;
  prove) prove ;;
  switch) switch ;;
  roll-back) roll_back ;;
  *) fail "deploy.sh knows build, what-if, migrate, apply, prove, switch and roll-back, not '${1:-}'." ;;
esac
