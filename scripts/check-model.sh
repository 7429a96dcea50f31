#!/usr/bin/env bash
# Takes the real step functions of manager and guards through all that can happen in small worlds.
#
#   scripts/check-model.sh          the standard check, which scripts/test.sh has too: about a minute
#   scripts/check-model.sh --deep   the same with larger worlds: about ten minutes
#
# Prints for each scene how many states it has, and how a promise is broken where a rule is off.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$#:${1:-}" in
  0:) depth=standard profile=default filter='all()' ;;
  # Rules are switched off in the standard worlds: the fewer steps, the better to read.
  1:--deep) depth=deep profile=deep filter='test(runs::)' ;;
  *)
    echo "usage: scripts/check-model.sh [--deep]" >&2
    exit 2
    ;;
esac

if ! command -v cargo-nextest >/dev/null; then
  ./scripts/setup.sh
  # shellcheck source=scripts/env.sh
  . scripts/env.sh
fi

SKEWGUARD_MODEL=$depth cargo nextest run --locked --profile "$profile" \
  --package skewguard-test --test model --filterset "$filter" --success-output immediate
