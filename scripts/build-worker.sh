#!/usr/bin/env bash
# Builds one Worker: scripts/build-worker.sh apps/op-auth
#
# Leaves it in <crate>/build, where wrangler.toml's `main` points to, and prints its size. Also
# wrangler's `[build] command`.
set -euo pipefail

if (($# != 1)); then
    echo "usage: scripts/build-worker.sh <crate-dir>" >&2
    exit 2
fi

# shellcheck source-path=SCRIPTDIR source=env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
skewguard_wasm_toolchain

# wrangler starts this in a directory of its own choice.
crate=$1
if ! [[ -f $crate/Cargo.toml ]]; then crate=$skewguard_root/$1; fi
if ! [[ -f $crate/Cargo.toml ]]; then
    echo "error: there is no crate in $1; name a folder with a Cargo.toml" >&2
    exit 2
fi
cd "$crate"
crate=$PWD
name=${crate##*/}

# These would make worker-build's output depend on more than the sources.
unset COREDUMP CUSTOM_SHIM NO_MINIFY RUN_TO_COMPLETION
# As worker-build sets it: a macro reads it, and cargo does not notice when it changes.
export WASM_BINDGEN_USE_JS_SYS=1

log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() {
    cat "$log" >&2
    echo "error: the Worker $name could not be built; see above" >&2
    exit 1
}

# One build of a Worker at a time: the second finds the first one's result.
mkdir -p build
if command -v flock >/dev/null; then
    exec 8>build/.skewguard-lock
    flock 8
fi

# What the output depends on, and the output: it is kept as long as all this is the same.
if command -v sha256sum >/dev/null; then sha256=(sha256sum); else sha256=(shasum -a 256); fi
outputs=(build/index.js build/index_bg.wasm build/package.json build/worker/shim.mjs)
fingerprint() {
    echo "$WORKER_BUILD $WASM_BINDGEN_BIN"
    "${sha256[@]}" "$wasm" Cargo.toml "$skewguard_root/package.json" "${outputs[@]}" 2>/dev/null
}

# cargo knows best whether the sources changed. wasm-bindgen and wasm-opt do not know at all, and
# take seconds. What cargo says of its progress is shown: a first build takes minutes.
progress() { tee "$log" | sed -u -n '/^ *\(Compiling\|Downloading\|Downloaded\|Blocking\) /p' >&2; }
messages=$({
    cargo build --locked --lib --release --target wasm32-unknown-unknown \
        --message-format=json-render-diagnostics 3>&1 >&4 2>&3 8>&- | progress 4>&-
} 4>&1) || fail
wasm=$(sed -n 's/.*"filenames":\[[^]]*"\([^"]*\.wasm\)".*/\1/p' <<<"$messages" | tail -n 1)
if ! [[ -f $wasm ]]; then
    echo "error: $name is no Worker; give it crate-type = [\"cdylib\"]" >&2
    exit 1
fi

stamp=build/.skewguard-stamp
state=
if [[ -r $stamp ]] && now=$(fingerprint) && [[ $now == "$(<"$stamp")" ]]; then
    state=", unchanged"
else
    rm -f "$stamp"
    "$WORKER_BUILD" --release >>"$log" 2>&1 8>&- || fail
    fingerprint >"$stamp.part" || fail
    mv "$stamp.part" "$stamp"
fi

bytes=$(wc -c <build/index_bg.wasm)
zipped=$(gzip -9 -c build/index_bg.wasm | wc -c)
echo "$name: $(((zipped + 1023) / 1024)) KiB of wasm gzipped ($(((bytes + 1023) / 1024)) KiB plain)$state." >&2
