#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lays programs of Debian below DIR without installing them: the packages of this machine's own suite are fetched and
# unpacked, and DIR/PROGRAM must then be there.
#
# usage: unpack.sh DIR PACKAGE... -- PROGRAM...
# example: unpack.sh build/etcd etcd-server etcd-client -- usr/bin/etcd usr/bin/etcdctl
#
# Needs no root. apt gets lists and a cache of its own under DIR, so the machine's package state stays as it is.
set -eu

dir=$1
shift
packages=
while [ "$1" != -- ]; do
    packages="$packages $1"
    shift
done
shift

say() { printf 'unpack: %s\n' "$*"; }
retry() {
    for pause in 2 5 15; do
        "$@" && return 0
        sleep "$pause"
    done
    "$@"
}

has_programs() {
    for program in "$@"; do
        [ -x "$dir/$program" ] || return 1
    done
}
has_programs "$@" && exit 0

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
apt_root=$dir/.apt
rm -rf "$apt_root"
mkdir -p "$apt_root/lists/partial" "$apt_root/archives/partial" "$apt_root/unpack"

apt() {
    command "$@" -o Dir::State::lists="$apt_root/lists" -o Dir::Cache="$apt_root" -o Dir::Cache::archives="$apt_root/archives" \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root
}

retry apt apt-get -qq update || say "some package lists could not be fetched"
cd "$apt_root/unpack"
# Word splitting is wanted: one argument a package.
# shellcheck disable=SC2086
retry apt apt-get -qq download $packages || { say "not to be had here:$packages"; exit 1; }
for deb in ./*.deb; do
    dpkg -x "$deb" "$dir"
done
rm -rf "$apt_root"
has_programs "$@" || { say "not in the packages$packages: one of $*"; exit 1; }
