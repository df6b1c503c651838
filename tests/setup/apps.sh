#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the test programs (tests/apps) with Go toolchains, into OUTDIR/VERSION/. What is up to date is left alone: the
# stamp holds the sum of everything that goes in. Compiled packages are kept in OUTDIR/../gocache/VERSION. Needs gcc and
# libjemalloc-dev.
#
# usage: apps.sh OUTDIR TOOLCHAINS VERSION...      e.g. apps.sh build/apps build/go 1.19 1.26
#
# Several may run at the same time, one version each. APPS_ONLY="freeloop identity" builds these alone (no stamp then).
# APPS_RACE="1.19 1.27": only these versions get programs with the race detector, for which all of Go's library is
# compiled once more; without it all versions do. APPS_ARENAS likewise for the one with user arenas (go1.20 on).
set -eu

[ $# -ge 3 ] || { echo 'usage: apps.sh OUTDIR TOOLCHAINS VERSION...' >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
toolchains=$(cd "$2" && pwd)
shift 2
sources=$(cd "$(dirname "$0")/../apps" && pwd)
script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")

plain='mapdemo earlymmap freeloop allocloop bigheap signals forker busy identity heapstats reinflate wasteful heartbeat mmaploop pagetruth client planted storm frames pinned cwaste variables maps cblocks mapcost daemon traced'

say() { printf 'apps: %s\n' "$*"; }

# The test programs, what they include, this script, the compilers: when none has changed, nothing has to be built.
sum_of_inputs() {
    {
        (cd "$sources" && find . -type f | LC_ALL=C sort | xargs sha256sum)
        sha256sum <"$script"
        sha256sum <"$sources/../../include/gopagewatch.h"
        "$go" version
        ${CC:-gcc} --version
        echo "race: $race, arenas: $arenas"
    } | sha256sum
}

# build NAME PACKAGE [OPTION...]: says nothing unless it fails.
build() {
    name=$1
    package=$2
    shift 2
    "$go" build -modfile="$cache/go.mod" -o "$dir/$name" "$@" "./$package" >"$cache/log" 2>&1 || {
        say "$version: $name cannot be built:" >&2
        cat "$cache/log" >&2
        return 1
    }
}

build_plain() {
    for package in "$@"; do
        build "$package" "$package"
    done
}

build_forms() {
    for app in mapdemo heapstats client frames; do
        build $app.pie $app -buildmode=pie
        build $app.internal $app -ldflags=-linkmode=internal
        [ $race = no ] || build $app.race $app -race
        build $app.stripped $app '-ldflags=-s -w'
        strip "$dir/$app.stripped"
        cp "$dir/$app.pie" "$dir/$app.pie.stripped"
        strip "$dir/$app.pie.stripped"
    done

    build variables.pie variables -buildmode=pie
    build variables.internal variables -ldflags=-linkmode=internal
    build variables.stripped variables '-ldflags=-s -w'
    build variables.plain variables -ldflags=-compressdwarf=false
    CGO_ENABLED=0 build variables.static variables
    CGO_ENABLED=0 build variables.static-pie variables -buildmode=pie
    build maps.pie maps -buildmode=pie
    # The two versions that have both designs of maps.
    case $version in
    1.24 | 1.25) GOEXPERIMENT=noswissmap build maps.noswiss maps ;;
    esac

    CGO_ENABLED=0 build identity.static identity
    CGO_ENABLED=0 build identity.static-pie identity -buildmode=pie

    CGO_ENABLED=0 build heapstats.static heapstats
    CGO_ENABLED=0 build client.static client
    CGO_ENABLED=0 build frames.static frames
    [ $arenas = no ] || GOEXPERIMENT=arenas build userarenas userarenas

    build libcsharedlib.so csharedlib -buildmode=c-shared
    build libheapstats.so heapstats -buildmode=c-shared
    build libframes.so frames -buildmode=c-shared
    build libvariables.so variables -buildmode=c-shared
    rm -f "$dir/libcsharedlib.h" "$dir/libheapstats.h" "$dir/libframes.h" "$dir/libvariables.h"
    ${CC:-gcc} -O2 -g -Wall -Wextra -Werror "$sources/runhost/runhost.c" -o "$dir/runhost"
    ${CC:-gcc} -O2 -g -Wall -Wextra -Werror "$sources/chost/chost.c" -o "$dir/chost"
    CGO_LDFLAGS="-l:libjemalloc.a -lstdc++ -lm -pthread" build cblocks.jemalloc cblocks '-ldflags=-extldflags=-rdynamic'
    ${CC:-gcc} -O2 -g -Wall -Wextra -Werror -shared -fPIC "$sources/heldmalloc/heldmalloc.c" -o "$dir/libheldmalloc.so"
    # The loader reads $ORIGIN, not the shell.
    # shellcheck disable=SC2016
    ${CC:-gcc} -O2 -g -Wall -Wextra -Werror -DLINKED "$sources/chost/chost.c" -o "$dir/chost.linked" \
        -L"$dir" -lcsharedlib -Wl,-rpath,'$ORIGIN'
}

build_version() {
    version=$1
    go=$toolchains/$version/bin/go
    [ -x "$go" ] || { say "$version: there is no $go (make toolchains)" >&2; return 1; }
    dir=$out/$version
    cache=$out/../gocache/$version
    mkdir -p "$dir" "$cache/home"
    cache=$(cd "$cache" && pwd)
    race=no
    arenas=no
    case " ${APPS_RACE:-$version} " in *" $version "*) race=yes ;; esac
    case " ${APPS_ARENAS:-$version} " in *" $version "*) arenas=yes ;; esac
    case $version in 1.1[0-9]) arenas=no ;; esac

    sum=$(sum_of_inputs)
    if [ -z "${APPS_ONLY:-}" ] && [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$sum" ]; then
        return 0
    fi

    # Nothing from outside: no network, no other toolchain, no settings of the person who builds.
    unset GOROOT GOEXPERIMENT GOAMD64 GODEBUG CGO_CFLAGS CGO_LDFLAGS LD_PRELOAD
    export GOCACHE="$cache/packages" GOPATH="$cache/home/go" HOME="$cache/home" XDG_CONFIG_HOME="$cache/home" \
        GOENV=off GOPROXY=off GOSUMDB=off GOTOOLCHAIN=local GOWORK=off GOFLAGS='-mod=mod -buildvcs=false' \
        GO111MODULE=on CGO_ENABLED=1
    # The go line decides which defaults of GODEBUG a program gets: those of its own version, as real programs have.
    sed "s/^go .*/go $version/" "$sources/go.mod" >"$cache/go.mod"

    begin=$(date +%s)
    cd "$sources"
    if [ -n "${APPS_ONLY:-}" ]; then
        # Word splitting is wanted: one argument a program.
        # shellcheck disable=SC2086
        build_plain $APPS_ONLY
        return 0
    fi
    rm -f "$dir/.stamp" "$dir"/*.race "$dir/userarenas"
    # shellcheck disable=SC2086
    build_plain $plain
    build_forms
    echo "$sum" >"$dir/.stamp"
    say "$version: $(find "$dir" -type f ! -name '.*' | wc -l) files in $(($(date +%s) - begin)) s with $("$go" version)"
}

for one in "$@"; do
    (build_version "$one")
done
