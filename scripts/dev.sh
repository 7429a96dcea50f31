#!/usr/bin/env bash
# Runs the manager, op-auth and op-token under `wrangler dev`, until Ctrl-C.
#
# They listen on 127.0.0.1 at 8787, 8788 and 8789; SKEWGUARD_PORT moves the first, and the others
# follow. SKEWGUARD_STATE names the folder for the manager's database.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

./scripts/setup.sh --without-test-tools
# shellcheck source=scripts/env.sh
. scripts/env.sh

port=${SKEWGUARD_PORT:-8787}
if ! [[ $port =~ ^[0-9]+$ ]] || ((port < 1 || port > 65533)); then
  echo "SKEWGUARD_PORT is '$port'; set it to a number from 1 to 65533" >&2
  exit 2
fi
state=${SKEWGUARD_STATE:-.wrangler/state}

# A value that is there already is kept, so that a database and its token go on fitting together.
secret() { # <file> <name>
  if ! grep -qs "^$2=" "$1"; then
    printf '%s="%s"\n' "$2" "$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')" >>"$1"
    echo "made $2 in $1" >&2
  fi
}
umask 077
secret .dev.vars VERSION_MANAGER_SECRET
secret apps/op-auth/.dev.vars OP_SIGNING_KEY
# Both demo Workers sign and verify with one key.
grep '^OP_SIGNING_KEY=' apps/op-auth/.dev.vars >apps/op-token/.dev.vars
umask 022

# Processes of this run find one another through a registry of their own, so that two runs do not
# meet.
registry=$(mktemp -d "${TMPDIR:-/tmp}/skewguard-dev-XXXXXX")
export WRANGLER_REGISTRY_PATH=$registry
pids=()
finish() {
  trap - EXIT INT TERM
  for pid in ${pids[@]+"${pids[@]}"}; do
    kill -INT "$pid" 2>/dev/null || true
  done
  wait
  rm -rf "$registry"
}
trap finish EXIT
trap 'exit 0' INT TERM

start() { # <name> <config> <port offset> [option…]
  local name=$1 config=$2 at=$((port + $3))
  shift 3
  # Job control would give each its own process group, and Ctrl-C then reaches this script alone.
  wrangler dev --config "$config" --ip 127.0.0.1 --port "$at" --inspector-port 0 \
    --show-interactive-dev-session=false "$@" \
    > >(sed -u "s/^/[$name] /") 2> >(sed -u "s/^/[$name] /" >&2) &
  pids+=($!)
}
start manager wrangler.toml 0 --persist-to "$state"
start op-auth apps/op-auth/wrangler.toml 1
start op-token apps/op-token/wrangler.toml 2

ready() { # <port>
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
for offset in 0 1 2; do
  for _ in $(seq 1200); do
    ready $((port + offset)) && continue 2
    for pid in "${pids[@]}"; do
      kill -0 "$pid" 2>/dev/null || {
        echo "a Worker did not start; its output above says why" >&2
        exit 1
      }
    done
    sleep 0.25
  done
  echo "nothing listens on port $((port + offset)); its output above may say why" >&2
  exit 1
done
cat >&2 <<TEXT
ready: the manager on http://127.0.0.1:$port, op-auth on :$((port + 1)), op-token on :$((port + 2))
the token is VERSION_MANAGER_SECRET in .dev.vars; Ctrl-C ends it all
TEXT

# Whichever ends first ends the others. The bash of macOS has no `wait -n`.
while true; do
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || { wait "$pid"; exit; }
  done
  sleep 0.25
done
