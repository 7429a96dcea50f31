# shellcheck shell=bash
# To be sourced by the other scripts: exports the paths that scripts/setup.sh found, and puts
# the tools (Node.js for wrangler among them) first in PATH.

skewguard_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if ! [[ -r $skewguard_root/node_modules/.skewguard-env ]]; then
    echo "error: the tools are not installed; run scripts/setup.sh" >&2
    return 1
fi
# shellcheck source=/dev/null
source "$skewguard_root/node_modules/.skewguard-env"

# The cache may have been emptied, or the clone moved, since.
for skewguard_tool in "$WORKER_BUILD" "$WASM_BINDGEN_BIN" "$WASM_OPT_BIN" "$ESBUILD_BIN" \
    "$SKEWGUARD_NODE" "$SKEWGUARD_WORKERD" ${SKEWGUARD_WASM_BIN:+"$SKEWGUARD_WASM_BIN/rustc"}; do
    if ! [[ -x $skewguard_tool ]]; then
        echo "error: $skewguard_tool is missing; run scripts/setup.sh" >&2
        return 1
    fi
done
unset skewguard_tool

case ":$PATH:" in
*":$SKEWGUARD_TOOL_PATH:"*) ;;
*) export PATH="$SKEWGUARD_TOOL_PATH:$PATH" ;;
esac
export WRANGLER_SEND_METRICS=false

# For scripts that compile for wasm32; to be called in a subshell, since builds and tests for the
# host stay with the usual compiler. It does nothing unless that one has no wasm32 target.
skewguard_wasm_toolchain() {
    if [[ -z $SKEWGUARD_WASM_BIN ]]; then return 0; fi
    export PATH="$SKEWGUARD_WASM_BIN:$PATH"
    # Two compilers that share a target directory rebuild each other's work.
    export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$skewguard_root/target}/wasm-debian"
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld
    # A compiler named by the environment would be taken instead of the one in PATH.
    unset RUSTC
}
