#!/usr/bin/env bash
# Installs everything the other scripts need; does nothing, quickly, when it is all there.
#
#   scripts/setup.sh                       for everything
#   scripts/setup.sh --without-test-tools  without what only scripts/test.sh uses: cargo-nextest,
#                                          which takes minutes to build, and shellcheck
#
# Compiled tools go to a cache shared by all clones, npm packages to node_modules, and the paths
# that scripts/env.sh exports to node_modules/.skewguard-env.
#
# Options, by environment variable:
#   SKEWGUARD_CACHE           The cache, instead of ${XDG_CACHE_HOME:-~/.cache}/skewguard.
#   SKEWGUARD_WASM_TOOLCHAIN  Where the wasm32 target comes from: `rustup`, `debian` (Debian's
#                             rustc-web, for machines that cannot reach rustup's server) or
#                             `auto`, the default: the first of the two that works.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SKEWGUARD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/skewguard}
wasm_toolchain=${SKEWGUARD_WASM_TOOLCHAIN:-auto}
nextest_version=0.9.143
wasm_target=wasm32-unknown-unknown
cd "$root"
# The end of a failed step's output is shown, which should be the error.
export RUST_BACKTRACE=0

test_tools=true
case "$#:${1:-}" in
0:) ;;
1:--without-test-tools) test_tools=false ;;
*)
    echo "usage: scripts/setup.sh [--without-test-tools]" >&2
    exit 2
    ;;
esac

say() { printf 'setup: %s\n' "$*" >&2; }

die() {
    printf 'setup: error: %s\n' "$1" >&2
    shift
    if (($#)); then printf '       %s\n' "$@" >&2; fi
    exit 1
}

# --- Running long steps --------------------------------------------------------------------

log=$(mktemp)
heartbeat=
scratch=

stop_heartbeat() {
    if [[ -n $heartbeat ]]; then
        kill "$heartbeat" 2>/dev/null || true
        wait "$heartbeat" 2>/dev/null || true
        heartbeat=
    fi
}

cleanup() {
    stop_heartbeat
    rm -f "$log"
    if [[ -n $scratch ]]; then rm -rf "$scratch"; fi
}
trap cleanup EXIT

# attempt WHAT COMMAND...: runs a command with its output in the log, a sign of life every 20 s,
# and the end of the log on the terminal if it fails.
attempt() {
    local what=$1 began=$SECONDS status=0
    shift
    say "$what..."
    (
        # Naps are short, and hold none of our files, so that nobody waits for the last one.
        while true; do
            for ((nap = 0; nap < 20; nap++)); do sleep 1 >/dev/null 2>&1; done
            # What cargo last said, without the spaces it begins with.
            last=$(tail -n 1 "$log" | tr -d '\r' | sed 's/^ *//')
            say "  still at it after $((SECONDS - began)) s${last:+: ${last:0:100}}"
        done
    ) 9>&- </dev/null &
    heartbeat=$!
    "$@" >"$log" 2>&1 </dev/null 9>&- || status=$?
    stop_heartbeat
    if ((status)); then
        say "$what failed after $((SECONDS - began)) s (status $status); the end of its output:"
        tail -n 30 "$log" | sed 's/^/    /' >&2
        return "$status"
    fi
    say "  done in $((SECONDS - began)) s."
}

# limited SECONDS COMMAND...: with a time limit, where the system has `timeout`.
limited() {
    local seconds=$1
    shift
    if command -v timeout >/dev/null; then timeout "$seconds" "$@"; else "$@"; fi
}

# Set-ups of several clones share the cache: one installs, the others wait. Without flock, cargo's
# own locks have to do.
locked=false
lock() {
    if $locked; then return 0; fi
    locked=true
    mkdir -p "$cache/tools"
    if ! command -v flock >/dev/null; then return 0; fi
    exec 9>"$cache/lock"
    if ! flock -n 9; then
        say "waiting for another setup to finish..."
        flock 9
    fi
}

checksum() { cksum <<<"$*" | tr ' ' '-'; }

# --- Programs that have to be there --------------------------------------------------------

need() {
    local program=$1 hint=$2
    command -v "$program" >/dev/null || die "\`$program\` is not in PATH." "$hint"
}

need rustc "Install Rust from https://rustup.rs, then run scripts/setup.sh again."
need cargo "Install Rust from https://rustup.rs, then run scripts/setup.sh again."
need cc "Install a C compiler (Debian: apt-get install build-essential; macOS: xcode-select --install)."
need node "Install Node.js with npm from https://nodejs.org, then run scripts/setup.sh again."
need npm "Install npm, which comes with Node.js from https://nodejs.org."
need gzip "Install gzip with your system's package manager."

# --- Debian's packages ---------------------------------------------------------------------

as_root() { if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi; }

can_apt() {
    command -v apt-get >/dev/null &&
        { ((EUID == 0)) || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }
}

# --no-remove: a compiler somebody chose must not go for ours.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends --no-remove "$@"
}

# With the package lists at hand, or else with new ones.
apt_attempt() {
    attempt "installing $*" apt_install "$@" ||
        { attempt "updating Debian's package lists" as_root timeout 120 apt-get update &&
            attempt "installing $*" apt_install "$@"; }
}

# --- The wasm32 target ---------------------------------------------------------------------

# Directory of the compiler that wasm builds put first in PATH; empty for the usual compiler.
wasm_bin=

usual_has_wasm() {
    local lib
    lib=$(rustc --print target-libdir --target "$wasm_target" 2>/dev/null) && [[ -d $lib ]]
}

# The standard library has to come from the very compiler that uses it, hence the checksum.
debian_dir() {
    local version
    version=$(/usr/bin/rustc -vV 2>/dev/null) || return 1
    printf '%s/tools/wasm-debian-%s\n' "$cache" "$(checksum "$version")"
}

use_debian() {
    local dir
    dir=$(debian_dir) && [[ -x $dir/bin/rustc && -x /usr/bin/wasm-ld ]] || return 1
    wasm_bin=$dir/bin
}

# Debian has a recent compiler (for its browsers) but no wasm32 standard library; its source is
# there, though. The result is a private sysroot, so that /usr stays the package manager's.
install_debian() {
    local dir host
    can_apt || die "the Debian way to the $wasm_target target needs apt-get and root (or sudo)."
    attempt "updating Debian's package lists" as_root apt-get update ||
        say "going on with the lists at hand."
    attempt "installing Debian's compiler for wasm builds" \
        apt_install rustc-web cargo-web rust-web-src lld ||
        die "Debian's packages for wasm builds could not be installed." \
            "Debian 12 or later is needed, with its security updates among the sources."
    dir=$(debian_dir)
    host=$(/usr/bin/rustc -vV | sed -n 's/^host: //p')
    scratch=$dir.part
    rm -rf "$scratch"
    mkdir -p "$scratch/crate/src" "$scratch/bin" "$scratch/lib/rustlib/$wasm_target/lib"
    printf '[package]\nname = "std-for-wasm"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n' \
        >"$scratch/crate/Cargo.toml"
    printf '#![no_std]\n' >"$scratch/crate/src/lib.rs"
    # Bitcode, because the workspace's release profile links with lto = "fat".
    attempt "building the standard library for $wasm_target" \
        env RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes RUSTC=/usr/bin/rustc \
        CARGO_TARGET_DIR="$scratch/target" \
        /usr/bin/cargo build -Zbuild-std=std,panic_abort --target "$wasm_target" --release \
        --manifest-path "$scratch/crate/Cargo.toml" ||
        die "the $wasm_target target could not be built." \
            "Check that crates.io is reachable, then run scripts/setup.sh again."
    cp "$scratch/target/$wasm_target/release/deps/"*.rlib "$scratch/lib/rustlib/$wasm_target/lib/"
    rm -rf "$scratch/target" "$scratch/crate" \
        "$scratch/lib/rustlib/$wasm_target/lib/"libstd_for_wasm-*.rlib
    # Build scripts and procedural macros run on the host, with Debian's own library.
    ln -s "/usr/lib/rustlib/$host" "$scratch/lib/rustlib/$host"
    ln -s /usr/bin/cargo "$scratch/bin/cargo"
    cat >"$scratch/bin/rustc" <<'WRAPPER'
#!/bin/sh
exec /usr/bin/rustc --sysroot "$(dirname "$(dirname "$0")")" "$@"
WRAPPER
    chmod +x "$scratch/bin/rustc"
    rm -rf "$dir"
    mv "$scratch" "$dir"
    scratch=
    use_debian || die "$dir is not complete." "Remove it, then run scripts/setup.sh again."
}

add_by_rustup() {
    command -v rustup >/dev/null &&
        attempt "adding the $wasm_target target by rustup" \
            limited 180 rustup target add "$wasm_target" &&
        usual_has_wasm
}

# rustup's program is there without a toolchain, too.
rustc --version >/dev/null 2>&1 ||
    die "\`rustc\` does not run." "Run \`rustup default stable\`, then scripts/setup.sh again."

case $wasm_toolchain in
rustup)
    if ! usual_has_wasm; then
        lock
        add_by_rustup || die "rustup could not add the $wasm_target target." \
            "Unset SKEWGUARD_WASM_TOOLCHAIN to allow Debian's compiler, where there is one."
    fi
    ;;
debian)
    if ! use_debian; then
        lock
        if ! use_debian; then
            install_debian
        fi
    fi
    ;;
auto)
    if ! usual_has_wasm && ! use_debian; then
        lock
        if ! usual_has_wasm && ! use_debian && ! add_by_rustup; then
            can_apt || die "the compiler has no $wasm_target target, and nothing here can add it." \
                "Run \`rustup target add $wasm_target\`, or install your system's package for it."
            say "falling back on Debian's compiler for wasm builds."
            install_debian
        fi
    fi
    ;;
*) die "SKEWGUARD_WASM_TOOLCHAIN is \`$wasm_toolchain\`; it has to be rustup, debian or auto." ;;
esac

# --- Tools built by cargo ------------------------------------------------------------------

# locked_version CRATE: the version in Cargo.lock, without starting cargo.
locked_version() {
    awk -v name="name = \"$1\"" '
        $0 == name { found = 1; next }
        found && /^version = / { gsub(/version = |"/, ""); print; exit }' Cargo.lock
}

# worker-build downloads by the system's TLS library, which on Linux is OpenSSL.
has_openssl() {
    [[ $(uname -s) != Linux || -n ${OPENSSL_DIR-} ]] || pkg-config --exists openssl 2>/dev/null
}

require_openssl() {
    if has_openssl; then return 0; fi
    if can_apt; then apt_attempt libssl-dev pkg-config || true; fi
    has_openssl || die "building worker-build needs OpenSSL's headers and pkg-config." \
        "Install them (Debian: apt-get install libssl-dev pkg-config; Fedora: dnf install" \
        "openssl-devel pkgconf), then run scripts/setup.sh again."
}

# cargo_tool CRATE VERSION PROGRAM [OPTION...]: cargo moves the finished program into place, so
# that one which is there is complete.
built_tools=false
tool_target=$cache/build
if ! command -v flock >/dev/null; then tool_target+=-$$; fi
cargo_tool() {
    local crate=$1 version=$2 program=$3 dir
    shift 3
    dir=$cache/tools/$crate-$version
    if [[ -x $dir/bin/$program ]]; then return 0; fi
    lock
    if [[ -x $dir/bin/$program ]]; then return 0; fi
    built_tools=true
    if [[ $crate == worker-build ]]; then require_openssl; fi
    # One target directory for all of them: they share many dependencies. Kept on interruption,
    # so that the next run goes on from there.
    attempt "building $crate $version (takes minutes, once)" \
        env CARGO_TARGET_DIR="$tool_target" cargo install "$crate@$version" --root "$dir" "$@" ||
        die "$crate could not be built." \
            "Check that crates.io is reachable, then run scripts/setup.sh again."
}

# worker-build is released together with the `worker` crate; wasm-bindgen's program and library
# have to be of exactly the same version.
worker_build_version=$(locked_version worker)
wasm_bindgen_version=$(locked_version wasm-bindgen)
[[ -n $worker_build_version && -n $wasm_bindgen_version ]] ||
    die "Cargo.lock does not name \`worker\` and \`wasm-bindgen\`." "Restore it with git."

cargo_tool worker-build "$worker_build_version" worker-build --locked
cargo_tool wasm-bindgen-cli "$wasm_bindgen_version" wasm-bindgen
tool_path=$cache/tools/worker-build-$worker_build_version/bin
tool_path+=:$cache/tools/wasm-bindgen-cli-$wasm_bindgen_version/bin

own_nextest=$cache/tools/cargo-nextest-$nextest_version
if $test_tools && ! command -v cargo-nextest >/dev/null; then
    cargo_tool cargo-nextest "$nextest_version" cargo-nextest --locked
fi
if [[ -x $own_nextest/bin/cargo-nextest ]]; then tool_path+=:$own_nextest/bin; fi
if $built_tools; then rm -rf "$tool_target"; fi

# --- npm packages --------------------------------------------------------------------------

# Prints the one file that a pattern names; fails when npm left the package out.
only_file() { [[ $# -eq 1 && -x $1 ]] && printf '%s\n' "$1"; }

native_esbuild() { only_file "$root"/node_modules/@esbuild/*/bin/esbuild; }
native_workerd() { only_file "$root"/node_modules/@cloudflare/workerd-*/bin/workerd; }

new_enough_node() {
    "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number);
        process.exit(a > 22 || (a === 22 && b >= 12) ? 0 : 1)' 2>/dev/null
}

# Native packages differ by platform, and clones are sometimes moved or mounted elsewhere.
stamp=node_modules/.skewguard-stamp
npm_wanted=$(uname -sm && cat package.json .npmrc)
npm_is_current() {
    [[ -r $stamp && $(<"$stamp") == "$npm_wanted" && -x node_modules/.bin/wrangler &&
        -x node_modules/.bin/wasm-opt ]] && native_esbuild >/dev/null && native_workerd >/dev/null
}

install_npm_packages() {
    # From nothing, as `npm ci` does: what an interrupted npm leaves can make the next one fail.
    rm -rf node_modules
    attempt "installing npm packages" \
        npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error \
        --include=dev --include=optional ||
        die "npm could not install the packages in package.json." \
            "Check that the npm registry is reachable, then run scripts/setup.sh again."
    native_esbuild >/dev/null || die "npm installed no esbuild for this platform ($(uname -sm))." \
        "Run scripts/setup.sh again; if that does not help, see https://esbuild.github.io."
    native_workerd >/dev/null || die "npm installed no workerd for this platform ($(uname -sm))." \
        "Run scripts/setup.sh again. workerd exists for Linux and macOS, on x86-64 and ARM64."
    printf '%s\n' "$npm_wanted" >"$stamp"
}

if ! npm_is_current; then
    lock
    if ! npm_is_current; then install_npm_packages; fi
fi

# --- What scripts/env.sh exports -----------------------------------------------------------

# npm's node is missing where npm is told to run no install scripts.
node=$root/node_modules/node/bin/node
if ! [[ -x $node ]]; then node=$(command -v node); fi

# Kept from the last time if nothing changed: asking node takes longer than all the rest.
env_file=node_modules/.skewguard-env
key="# For $(checksum "$root" "$npm_wanted" "$tool_path" "$wasm_bin" "$node")."
if ! [[ -r $env_file ]] || [[ "$(head -n 1 "$env_file")" != "$key" ]]; then
    new_enough_node "$node" ||
        die "wrangler needs Node.js 22.12 or later, and npm did not install the package \`node\`." \
            "Update Node.js; or allow install scripts (see \`npm config get ignore-scripts\`)," \
            "remove node_modules and run scripts/setup.sh again."
    # What the package itself starts; .bin/workerd is a script around it.
    workerd=$("$node" -p 'require("workerd").default')
    {
        printf '%s\n' "$key"
        printf '# Written by scripts/setup.sh; read by scripts/env.sh.\n'
        printf 'export %s=%q\n' \
            WORKER_BUILD "$cache/tools/worker-build-$worker_build_version/bin/worker-build" \
            WASM_BINDGEN_BIN "$cache/tools/wasm-bindgen-cli-$wasm_bindgen_version/bin/wasm-bindgen" \
            WASM_OPT_BIN "$root/node_modules/.bin/wasm-opt" \
            ESBUILD_BIN "$(native_esbuild)" \
            SKEWGUARD_NODE "$node" \
            SKEWGUARD_WORKERD "$workerd" \
            SKEWGUARD_WASM_BIN "$wasm_bin" \
            SKEWGUARD_TOOL_PATH "$root/node_modules/.bin:$tool_path"
    } >"$env_file.part"
    mv "$env_file.part" "$env_file"
fi

# --- shellcheck, which only scripts/test.sh wants ------------------------------------------

if $test_tools && ! command -v shellcheck >/dev/null; then
    if command -v apt-get >/dev/null && ((EUID == 0)); then
        apt_attempt shellcheck || true
    fi
    command -v shellcheck >/dev/null ||
        say "note: shellcheck is not installed; scripts/test.sh will skip its check of the scripts."
fi

say "ready${wasm_bin:+, with the compiler of Debian for wasm builds}."
