#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages of tools/packages.txt that are missing (as root), or says which are (otherwise).
set -eu
list=$(dirname "$0")/packages.txt
missing=
for package in $(cat "$list"); do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "${1:-}" = --check ] || [ "$(id -u)" -ne 0 ]; then
    echo "ringless: these Debian packages are missing:$missing" >&2
    echo "ringless: install them as root with: apt-get install$missing" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 ||
    { apt-get update >/dev/null && apt-get install -y --no-install-recommends $missing >/dev/null; }
