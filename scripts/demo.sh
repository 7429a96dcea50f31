#!/usr/bin/env bash
# Shows what Skewguard does, on real workerd: two PoPs, one manager, a deploy, and a dead manager.
#
#   scripts/demo.sh          a timeline, and a table at the end
#   scripts/demo.sh --json   the same on stderr, and one JSON document on stdout
#
# Exits 0 only if every step showed what it should.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$#:${1:-}" in
  0: | 1:--json) ;;
  *)
    echo "usage: scripts/demo.sh [--json]" >&2
    exit 2
    ;;
esac

./scripts/setup.sh --without-test-tools
# shellcheck source=scripts/env.sh
. scripts/env.sh
for worker in apps/version-manager apps/op-auth apps/op-token; do
  ./scripts/build-worker.sh "$worker" >&2
done
cargo build --locked --package skewguard-lab --bin skewguard-demo

scratch=$(mktemp -d "${TMPDIR:-/tmp}/skewguard-demo-XXXXXX")
demo=
finish() {
  trap - EXIT INT TERM
  if [[ -n $demo ]]; then
    kill "$demo" 2>/dev/null || true
    wait "$demo" 2>/dev/null || true
  fi
  # What it started ends with it, and may take a moment longer to let go of its files.
  rm -rf "$scratch" 2>/dev/null || { sleep 1 && rm -rf "$scratch"; }
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# In the background, because bash runs no trap before a command in the foreground has ended.
TMPDIR=$scratch "${CARGO_TARGET_DIR:-target}/debug/skewguard-demo" "$@" &
demo=$!
wait "$demo"
