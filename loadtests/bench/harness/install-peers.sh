#!/usr/bin/env bash
# Installs the generators of load that `npm run bench:harness` compares with, where this machine can:
# wrk from Debian's packages (needs root), oha with cargo, Locust with pip; k6 is built by `npx sora load k6`.
# Each that could not be installed is named, and the others are installed all the same.
set -u
tools="${SORA_HOME:-.sora}/tools"
mkdir -p "$tools"
missing=()

if ! command -v wrk >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y --no-install-recommends wrk >/dev/null || missing+=("wrk: apt-get could not install it")
  else
    missing+=("wrk: needs root and apt-get; or put it on the PATH")
  fi
fi

if ! command -v oha >/dev/null && [ ! -e "$tools/oha" ]; then
  if command -v cargo >/dev/null; then
    if cargo install --quiet --locked --root "$tools/cargo" oha@1.16.0; then ln -sf cargo/bin/oha "$tools/oha"; else missing+=("oha: cargo could not build it"); fi
  else
    missing+=("oha: needs cargo; or put it on the PATH")
  fi
fi

if ! command -v locust >/dev/null && [ ! -e "$tools/locust" ]; then
  if command -v python3 >/dev/null && python3 -m venv "$tools/python" && "$tools/python/bin/pip" install --quiet locust==2.47.0; then
    ln -sf python/bin/locust "$tools/locust"
  else
    missing+=("locust: needs python3 with venv and pip; or put it on the PATH")
  fi
fi

for line in "${missing[@]+"${missing[@]}"}"; do echo "not installed: $line" >&2; done
[ ${#missing[@]} = 0 ]
