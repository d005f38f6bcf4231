#!/usr/bin/env bash
# Installs PostgreSQL and MariaDB, whose servers tests start for themselves, where they are not there. Does nothing a
# second time, and leaves no service of the system running.
set -euo pipefail

missing=()
if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  missing+=(postgresql)
fi
PATH="$PATH:/usr/sbin"
if ! command -v mariadbd >/dev/null || ! command -v mariadb-install-db >/dev/null; then missing+=(mariadb-server); fi
if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "tests need the servers of PostgreSQL and MariaDB: install them (${missing[*]} are missing)" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "tests need database servers: run 'sudo apt-get update && sudo apt-get install ${missing[*]}'" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
# Debian starts what it installs, unless this says no; one that is there stays as it is.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update --quiet=2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >/dev/null
