#!/usr/bin/env bash
# Installs the Debian packages that are missing, and starts none of the services they bring.
# Usage: system-packages.sh check|demo|bench|test|vm
set -euo pipefail

# shellcheck source=test/setup/as-root.sh
. "$(dirname "$0")/as-root.sh"

build=(gcc git libc6-dev libseccomp-dev linux-libc-dev make musl-tools)
world=(busybox-static docker-registry gnupg openssh-client openssh-server openssl)
declare -A packages=(
  [check]="${build[*]} clang-tidy shellcheck"
  [demo]="${build[*]} ${world[*]}"
  [bench]="${build[*]} ${world[*]} bubblewrap conmon crun docker.io e2fsprogs iproute2 iptables mount netavark patchelf podman runc skopeo"
  [test]="${build[*]} ${world[*]} clang-tidy crun iproute2 mount nftables podman python3-minimal shellcheck skopeo umoci"
  [vm]="${build[*]} ${world[*]} debian-archive-keyring e2fsprogs mmdebstrap qemu-system-x86"
)
# Packages whose service Debian would start now and at every boot.
declare -A services=(
  [docker.io]="docker.service docker.socket containerd.service"
  [openssh-server]=ssh
  [docker-registry]=docker-registry
  [podman]="podman.socket podman.service podman-restart.service podman-auto-update.timer"
)

main() {
  local wanted missing
  read -ra wanted <<<"${packages[$1]}"
  mapfile -t missing < <(missing_of "${wanted[@]}")
  [ ${#missing[@]} -eq 0 ] && return
  echo "Debian packages: installing ${missing[*]}"
  forbid_services
  install_all "${missing[@]}"
  disable_services "${missing[@]}"
}

# The lists of a new machine are empty or old: they are only fetched when installing fails without.
install_all() {
  local log failed=0
  log=$(mktemp)
  { apt_get install "$@" || { apt_get update && apt_get install "$@"; }; } >"$log" 2>&1 || failed=1
  if [ $failed -eq 1 ]; then
    cat "$log" >&2
    echo "apt could not install: $(missing_of "$@" | xargs). Its own words are above; put them right and run this again." >&2
  fi
  rm -f "$log"
  return $failed
}

missing_of() {
  comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort)
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    --no-install-recommends "$@"
}

# Debian's own switch: while this file says 101, installing a package starts nothing.
forbid_services() {
  local policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] && return
  # shellcheck disable=SC2064  # the name is known now
  trap "as_root rm -f $policy" EXIT
  printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
}

disable_services() {
  local package service
  for package in "$@"; do
    for service in ${services[$package]:-}; do
      case $service in
        *.*) as_root deb-systemd-helper disable "$service" >/dev/null ;;
        *) as_root update-rc.d "$service" disable >/dev/null ;;
      esac
    done
  done
}

main "$@"
