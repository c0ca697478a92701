# shellcheck shell=bash
# Sourced by the scripts that fetch packages of other Debian suites.

# find_mirror: the address of the Debian mirror that this machine's apt uses for its own release.
find_mirror() {
  local release mirror
  release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  # shellcheck disable=SC2016  # apt fills in $(REPO_URI)
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Release: $release" 'Component: main' |
    sed 1q)
  if [ -z "$mirror" ]; then
    echo "no source for Debian $release main in /etc/apt: add one, then run 'apt-get update'" >&2
    return 1
  fi
  echo "$mirror"
}
