#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing of those named. Asks for nothing; uses sudo only when not root.
#
# usage: packages.sh PACKAGE...
set -eu

missing=
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "packages: these are needed and you are neither root nor have sudo:$missing" >&2
        exit 1
    }
    sudo=sudo
fi

echo "packages: installing$missing"
for pause in 2 10 30 0; do
    # Word splitting is wanted: one argument a package.
    # shellcheck disable=SC2086
    $sudo apt-get -qq -o Acquire::Retries=3 update &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
            install --no-install-recommends $missing >/dev/null && exit 0
    sleep "$pause"
done
echo "packages: could not install$missing" >&2
exit 1
