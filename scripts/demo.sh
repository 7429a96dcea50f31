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

./scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh
for worker in apps/version-manager apps/op-auth apps/op-token; do
  ./scripts/build-worker.sh "$worker" >&2
done
cargo build --locked --package skewguard-lab --bin skewguard-demo
# The process replaces this one, so that Ctrl-C reaches what has to end the others.
exec "${CARGO_TARGET_DIR:-target}/debug/skewguard-demo" "$@"
