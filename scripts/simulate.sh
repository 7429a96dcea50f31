#!/usr/bin/env bash
# Simulates a release of 10 Workers in 330 PoPs, guarded by Skewguard and by a check for equality.
# Prints a table, and writes docs/simulation.svg. Takes about a minute; needs nothing but Rust.
#
#   scripts/simulate.sh [SEED]
#
# Exits 0 only if every promise was kept. The same seed gives the same table and chart.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# > 1)); then
  echo "usage: scripts/simulate.sh [SEED]" >&2
  exit 2
fi

cargo build --locked --quiet --package skewguard-test --bin skewguard-sim
exec "${CARGO_TARGET_DIR:-target}/debug/skewguard-sim" compare --seed "${1:-1}" --svg docs/simulation.svg
