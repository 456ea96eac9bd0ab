# shellcheck shell=bash
# What must be on the machine before anything is built or tested. Sourced by infra/run and infra/test, from the root of the
# repository. Each need_* is quick and says nothing when the thing is there.

# Each argument a line.
say() { printf '%s\n' "$@" >&2; }

fail() {
  say "$@"
  exit 1
}

# install WHY PACKAGE...: by apt where that is ours to do, else by telling how.
install() {
  local why=$1
  shift
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    fail "$why needs: $*" "On Debian: sudo apt-get install --no-install-recommends $*"
  fi
  say "Installing for $why: $*"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# SQLite and the compression of pages are C, and every program needs a linker.
need_compiler() {
  local missing=()
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  command -v pkg-config >/dev/null || missing+=(pkg-config)
  [[ ${#missing[@]} -eq 0 ]] || install "the build" "${missing[@]}"
}

need_curl() { command -v curl >/dev/null || install "the check" curl; }

# The toolchain that rust-toolchain.toml names, with the target of plugins. rustup would fetch it by itself, but not where
# automatic installation is off.
need_rust() {
  # A shell that was open when rustup was installed does not know it yet.
  command -v rustup >/dev/null || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  command -v rustup >/dev/null || fail "rustup is missing: install it as https://rustup.rs says, then try again"
  if [[ $'\n'$(rustup toolchain list) != *$'\n'"$(rust_channel)"-* ]]; then
    rustup toolchain install "$(rust_channel)" --profile minimal --no-self-update
  fi
  if [[ $(rustup target list --toolchain "$(rust_channel)" --installed) != *wasm32-unknown-unknown* ]]; then
    rustup target add --toolchain "$(rust_channel)" wasm32-unknown-unknown
  fi
}

need_rust_component() {
  [[ $(rustup component list --toolchain "$(rust_channel)" --installed) == *"$1"* ]] ||
    rustup component add --toolchain "$(rust_channel)" "$1"
}

rust_channel() { sed -n 's/^channel *= *"\(.*\)"/\1/p' rust-toolchain.toml; }

# The test runner. Without it `cargo test` does the same work, one crate after the other.
need_nextest() {
  cargo nextest --version >/dev/null 2>&1 && return
  say "Installing cargo-nextest"
  cargo install --quiet --locked cargo-nextest@0.9.143 || say "cargo-nextest cannot be had here: using cargo test"
}

need_browser() {
  local missing=()
  [[ -x ${SUNLIT_CHROMIUM:-/usr/bin/chromium} ]] || missing+=(chromium)
  [[ -n $(command -v fc-list) && -n $(fc-list :lang=zh-cn file) ]] || missing+=(fontconfig fonts-noto-cjk)
  [[ ${#missing[@]} -eq 0 ]] || install "the browser tests" "${missing[@]}"
}

need_node() {
  command -v node >/dev/null && command -v npm >/dev/null || install "the browser tests" nodejs npm
  [[ $(node --print 'parseInt(process.versions.node)') -ge 20 ]] ||
    fail "the browser tests need Node.js 20 or later, here is $(node --version): see https://nodejs.org/"
}

target_dir() { printf '%s' "${CARGO_TARGET_DIR:-target}"; }

# Whether somebody listens on PORT of this machine.
is_taken() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
  local port
  for port in $(shuf -i 20000-29999 -n 50); do
    is_taken "$port" || { printf '%s' "$port"; return; }
  done
  fail "no free port between 20000 and 29999"
}
