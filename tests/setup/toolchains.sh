#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lays Go toolchains below DIR (default build/go), one directory a version, without installing them: the packages are
# Debian's, of the suites that hold each version, fetched from the mirror this machine's apt already uses.
#
# usage: toolchains.sh [DIR [VERSION...]]        e.g. toolchains.sh build/go 1.21 1.26
#
# Needs no root. apt gets lists and a cache of its own under DIR, so the machine's package state stays as it is.
set -eu

dir=${1:-build/go}
[ $# -gt 0 ] && shift
versions=${*:-1.19 1.21 1.22 1.23 1.24 1.25 1.26 1.27}

suites='bookworm bookworm-backports trixie trixie-backports forky sid'

say() { printf 'toolchains: %s\n' "$*"; }
retry() {
    for pause in 2 5 15; do
        "$@" && return 0
        sleep "$pause"
    done
    "$@"
}

missing=
for v in $versions; do
    [ -x "$dir/$v/bin/go" ] || missing="$missing $v"
done
[ -n "$missing" ] || { say "all here: $versions"; exit 0; }

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
apt_root=$dir/.apt
mkdir -p "$apt_root/lists/partial" "$apt_root/archives/partial"

# apt expands the names, not the shell.
# shellcheck disable=SC2016
# The first archive of Debian's "main" that is no security or overlay suite is the mirror.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk '$2 !~ /-/ && $1 ~ /debian\/?$/ { print $1; exit }')
[ -n "$mirror" ] || { say "apt knows no Debian archive here: add one to /etc/apt/sources.list"; exit 1; }

keys=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in $suites; do
    echo "deb [signed-by=$keys] $mirror $suite main"
done >"$apt_root/sources.list"

apt() {
    command "$@" -o Dir::State::lists="$apt_root/lists" -o Dir::Cache="$apt_root" -o Dir::Cache::archives="$apt_root/archives" \
        -o Dir::Etc::SourceList="$apt_root/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o APT::Get::List-Cleanup=false -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root
}

retry apt apt-get -qq update || say "some package lists could not be fetched"

# One version may stand in several suites; the highest is its last point release.
fetch() {
    v=$1
    work=$apt_root/unpack-$v
    rm -rf "$work"
    mkdir -p "$work"
    (cd "$work" && retry apt apt-get -qq download "golang-$v-go" "golang-$v-src") || return 1
    for deb in "$work"/*.deb; do
        dpkg -x "$deb" "$work" || return 1
    done
    root=$work/usr/lib/go-$v
    [ -x "$root/bin/go" ] || return 1
    rm -f "$work"/*.deb
    rm -rf "${dir:?}/$v" "$dir/.tree-$v"
    mv "$work" "$dir/.tree-$v"
    ln -s ".tree-$v/usr/lib/go-$v" "$dir/$v"
}

failed=
for v in $missing; do
    if fetch "$v"; then
        say "$v: $("$dir/$v/bin/go" version)"
    else
        failed="$failed $v"
    fi
done
rm -rf "$apt_root"
[ -z "$failed" ] || { say "not to be had here:$failed"; exit 1; }
