#!/usr/bin/env bash
# Debian's containerd and its shim drive the runtime: run, exec, pause, kill, remove, a terminal. By hand, as root, because
# containerd is a large package: apt-get install --no-install-recommends containerd. It runs from a directory of its own.
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
directory=$(mktemp -d)
daemon=

close() {
  # Shims outlive the daemon.
  ctr task rm --force c >/dev/null 2>&1 || true
  [ -z "$daemon" ] || kill "$daemon"
  wait
  rmdir /sys/fs/cgroup/*/holdfast-containerd 2>/dev/null || true
  rm -rf "$directory"
}
trap close EXIT

ctr() {
  command ctr --address "$directory/socket" --namespace holdfast "$@"
}

expect() {
  local wanted=$1 got
  shift
  got=$("$@" 2>&1 && echo "status 0" || echo "status $?")
  if [ "$got" != "$wanted" ]; then
    printf 'containerd: %s\n  expected: %q\n  got:      %q\n' "$*" "$wanted" "$got" >&2
    exit 1
  fi
  echo "ok - ${*:2}"
}

container() {
  local how=$1
  shift
  ctr run "$how" --runc-binary "$directory/runtime" --runc-root "$directory/containers" \
    --cgroup /holdfast-containerd/c --rootfs "$directory/rootfs" "$@"
}

mkdir -p "$directory/rootfs"/{bin,proc,sys,dev}
cp /bin/busybox "$directory/rootfs/bin/"
for applet in sh echo sleep readlink; do ln -s busybox "$directory/rootfs/bin/$applet"; done
printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$here/node_modules/.bin/node" "$here/native/runtime/main.ts" >"$directory/runtime"
chmod 755 "$directory/runtime"
cat >"$directory/config.toml" <<TOML
version = 2
root = "$directory/root"
state = "$directory/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$directory/socket"
[ttrpc]
  address = "$directory/ttrpc"
TOML
containerd --config "$directory/config.toml" >"$directory/log" 2>&1 &
daemon=$!
for _ in $(seq 100); do [ -S "$directory/socket" ] || sleep 0.1; done

expect $'out\nstatus 4' container --rm c sh -c 'echo out; exit 4'
expect 'status 0' container --detach c sleep 1000
expect $'inside\nstatus 6' ctr task exec --exec-id e c sh -c 'echo inside; exit 6'
# With a terminal ctr may also tell that it came too late to resize it.
terminal="command ctr --address $directory/socket --namespace holdfast task exec -t --exec-id t c readlink /proc/self/fd/0"
expect $'/dev/pts/0\r\nstatus 0' sh -c "script -qec '$terminal' /dev/null | head -n 1 | tr -s '\r'"
expect 'status 0' ctr task pause c
expect 'status 0' ctr task resume c
expect 'status 0' ctr task kill --signal KILL c
for _ in $(seq 100); do ctr task ls | grep -q STOPPED || sleep 0.1; done
expect 'status 0' sh -c "ctr --address '$directory/socket' --namespace holdfast task rm c 2>/dev/null; test \$? = 137 -o \$? = 0"
expect 'status 0' ctr container rm c
echo "1..9"
