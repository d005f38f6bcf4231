#!/usr/bin/env bash
# Installs Chromium, in which tests open reports, where neither it nor Chrome is there. Does nothing a second time.
set -euo pipefail

if [ -n "${CHROMIUM:-}" ] && command -v "$CHROMIUM" >/dev/null; then exit 0; fi
for name in chromium chromium-browser google-chrome-stable google-chrome; do
  if command -v "$name" >/dev/null; then exit 0; fi
done
if ! command -v apt-get >/dev/null; then
  echo "tests need Chromium or Chrome: install one of them, or set CHROMIUM to the path of its program" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "tests need Chromium: run 'sudo apt-get update && sudo apt-get install chromium', or set CHROMIUM to its path" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
"${as_root[@]}" apt-get update --quiet=2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --quiet=2 --yes --no-install-recommends chromium >/dev/null
command -v chromium >/dev/null
