#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes TARGET/layouts_amd64.c and TARGET/layouts_arm64.c: where the fields of the Go runtime's structs lie. For each row
# of the table whose toolchain is there, an empty program is built and its DWARF is read; the other rows come from
# tests/data/go-struct-offsets.json. Nothing is run of what is built for another architecture.
#
# usage: layouts.sh GENERATOR OUTDIR TOOLCHAINS TARGET    e.g. layouts.sh build/tests/layouts build/layouts build/go shim/goruntime
set -eu

[ $# -eq 4 ] || { echo 'usage: layouts.sh GENERATOR OUTDIR TOOLCHAINS TARGET' >&2; exit 2; }
generator=$1
toolchains=$(cd "$3" && pwd)
target=$4
data=$(cd "$(dirname "$0")/../data" && pwd)/go-struct-offsets.json
mkdir -p "$2/program"
out=$(cd "$2" && pwd)

say() { printf 'layouts: %s\n' "$*"; }

printf 'package main\n\nfunc main() {}\n' >"$out/program/main.go"
printf 'module gopagewatch.test/empty\n\ngo 1.17\n' >"$out/program/go.mod"

# Nothing from outside: no network, no other toolchain, no settings of the person who builds.
unset GOROOT GOAMD64 GODEBUG LD_PRELOAD
export GOPATH="$out/home/go" HOME="$out/home" XDG_CONFIG_HOME="$out/home" GOENV=off GOPROXY=off GOSUMDB=off \
    GOTOOLCHAIN=local GOWORK=off GOFLAGS=-buildvcs=false GO111MODULE=on GOOS=linux CGO_ENABLED=0

for arch in amd64 arm64; do
    mkdir -p "$out/$arch"
    set --
    for row in $("$generator" --rows); do
        version=${row%%+*}
        experiment=${row#"$version"}
        go=$toolchains/$version/bin/go
        [ -x "$go" ] || continue
        (cd "$out/program" && GOARCH=$arch GOEXPERIMENT=${experiment#+} GOCACHE="$out/../gocache/$version/packages" \
            "$go" build -o "$out/$arch/$row" .)
        set -- "$@" "$row=$out/$arch/$row"
    done
    "$generator" --arch "$arch" --json "$data" "$@" >"$out/layouts_$arch.c"
    mv "$out/layouts_$arch.c" "$target/layouts_$arch.c"
    say "$target/layouts_$arch.c: $# rows from binaries, the others from $(basename "$data")"
done
