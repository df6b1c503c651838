#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lays Debian's etcd (a stripped Go program that nobody here wrote) below DIR without installing it: the packages
# etcd-server and etcd-client of this machine's own suite. The programs are then DIR/usr/bin/etcd and DIR/usr/bin/etcdctl.
#
# usage: etcd.sh [DIR]        default build/etcd
#
# Needs no root. apt gets lists and a cache of its own under DIR, so the machine's package state stays as it is.
set -eu

dir=${1:-build/etcd}

say() { printf 'etcd: %s\n' "$*"; }
retry() {
    for pause in 2 5 15; do
        "$@" && return 0
        sleep "$pause"
    done
    "$@"
}

is_complete() { [ -x "$dir/usr/bin/etcd" ] && [ -x "$dir/usr/bin/etcdctl" ]; }
is_complete && exit 0

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
retry apt apt-get -qq download etcd-server etcd-client || { say "not to be had here: etcd-server, etcd-client"; exit 1; }
for deb in ./*.deb; do
    dpkg -x "$deb" "$dir"
done
rm -rf "$apt_root"
is_complete || { say "the packages hold no usr/bin/etcd and usr/bin/etcdctl"; exit 1; }
say "$("$dir/usr/bin/etcd" --version | tr '\n' ' ')"
