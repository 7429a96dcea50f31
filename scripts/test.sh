#!/usr/bin/env bash
# Runs every check that this repository has. What it prints ends with the test runners' summaries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Whatever a test leaves behind when it is interrupted is left here.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/skewguard-test-XXXXXX")
trap 'rm -rf "$scratch" 2>/dev/null || { sleep 1 && rm -rf "$scratch"; }' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '\n== %s\n' "$*" >&2; }

step "set-up"
./scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh

step "format"
cargo fmt --all --check

step "shell scripts"
if command -v shellcheck >/dev/null; then
  shellcheck --external-sources scripts/*.sh .ci/run
else
  echo "SKIPPED: shellcheck is not installed; install your system's package to check scripts" >&2
fi

step "lints"
cargo clippy --locked --workspace --all-targets -- -D warnings

step "Workers"
for worker in apps/version-manager apps/op-auth apps/op-token lab/workers/bare lab/workers/guarded; do
  ./scripts/build-worker.sh "$worker"
done

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
cargo test --locked --workspace --doc --quiet

step "tests"
TMPDIR=$scratch cargo nextest run --locked --workspace
