# shellcheck shell=bash
# Sourced. as_root COMMAND...: runs it as root, through sudo where that is not who we are.

as_root() {
  if [ "$EUID" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo env "PATH=$PATH" "$@"
  else
    echo "needs root for: $* (and there is no sudo)" >&2
    return 1
  fi
}
