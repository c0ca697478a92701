#!/usr/bin/env bash
# Makes .cache/vm/RELEASE/{disk.img,kernel,initrd}: a Debian release with its cloud kernel, systemd and cgroup v2.
# Needs root. Usage: build.sh RELEASE      RELEASE: bookworm (kernel 6.1) or trixie (kernel 6.12)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
release=$1
vm=$(cd "$here/../../.." && pwd)/.cache/vm/$release
root=$vm/root

# shellcheck source=test/setup/tools/recipe.sh
. "$here/../../setup/tools/recipe.sh"
# shellcheck source=test/setup/tools/debian-mirror.sh
. "$here/../../setup/tools/debian-mirror.sh"
recipe=("$0" "$here/packages.txt" "$here/holdfast-check.service")

main() {
  is_made "$vm/disk.img" "${recipe[@]}" && return
  echo "vm: making a disk of Debian $release (about two minutes)"
  rm -rf "$vm"
  mkdir -p "$vm"
  trap 'rm -rf "$root"' EXIT
  install_debian
  configure
  cp "$root"/boot/vmlinuz-* "$vm/kernel"
  cp "$root"/boot/initrd.img-* "$vm/initrd"
  mke2fs -q -t ext4 -d "$root" "$vm/disk.img" 3G >/dev/null
  set_made "$vm/disk.img" "${recipe[@]}"
}

# A line that is slow or goes down for a while is waited for.
install_debian() {
  local log mirror packages
  mirror=$(find_mirror)
  packages=$(paste -sd, "$here/packages.txt")
  log=$(mktemp)
  if ! mmdebstrap --variant=minbase --include="$packages" --aptopt='Acquire::Retries "5"' --aptopt='Acquire::http::Timeout "60"' \
    "$release" "$root" "$mirror" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    echo "vm: could not install Debian $release from $mirror, the mirror of this machine's apt. mmdebstrap's own words are" \
      'above: where it could not fetch, look at the line and the mirror; where a package is not there, correct' \
      'test/vm/disk/packages.txt. Then run this again.' >&2
    return 1
  fi
  rm -f "$log"
}

# Nothing runs in it but what the checks need: no login, no timers, no network beyond loopback.
configure() {
  local units=$root/etc/systemd/system unit
  echo holdfast-vm >"$root/etc/hostname"
  printf '127.0.0.1 localhost holdfast-vm\n::1 localhost\n' >"$root/etc/hosts"
  printf '/dev/vda / ext4 noatime 0 1\n/dev/vdb /opt/holdfast ext4 noatime 0 0\n' >"$root/etc/fstab"
  mkdir -p "$root/opt/holdfast" "$units/default.target.wants"
  install -m 644 "$here/holdfast-check.service" "$units"
  ln -s ../holdfast-check.service "$units/default.target.wants/"
  for unit in getty@tty1.service serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
    e2scrub_all.timer fstrim.timer docker-registry.service apparmor.service e2scrub_reap.service systemd-networkd-wait-online.service; do
    ln -sf /dev/null "$units/$unit"
  done
}

main
