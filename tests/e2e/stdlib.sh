#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A program behaves the same with and without the shim: tests of Go's own standard library that lean on signals, memory
# and cgo are run both ways, and every single test must end the same.
#
# usage: stdlib.sh LIBRARY GOROOT WORKDIR [PACKAGE...]
set -eu

library=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
goroot=$(cd "$2" && pwd -P)
work=$3
shift 3
packages=${*:-runtime/debug os/signal os/user net}

mkdir -p "$work"
work=$(cd "$work" && pwd)
export GOROOT="$goroot" GOCACHE="${GOCACHE:-$work/cache}" GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOPROXY=off CGO_ENABLED=1
unset GODEBUG

# "--- PASS: TestX (0.01s)" -> "PASS: TestX"; the order of parallel tests is not a result.
outcomes() {
    sed -n 's/^ *--- \([A-Z]*: [^ ]*\).*/\1/p; s/^\(PASS\|FAIL\)$/\1/p' "$1" | sort
}

run_both_ways() {
    for way in without with; do
        preload=
        [ $way = with ] && preload=$library
        status=0
        (cd "$goroot/src/$package" && LD_PRELOAD=$preload GOPAGEWATCH_OUT="$work/%p.%n.json" \
            timeout 300 "$binary" -test.short -test.v) >"$work/$name.$way" 2>&1 </dev/null || status=$?
        { echo "exit status $status"; outcomes "$work/$name.$way"; } >"$work/$name.$way.outcomes"
    done
}

failed=0
for package in $packages; do
    name=$(echo "$package" | tr / _)
    binary=$work/$name.test
    # Most of these would be static programs, which nothing can be preloaded into: runtime/cgo is linked in.
    printf 'package %s_test\n\nimport _ "runtime/cgo"\n' "${package##*/}" >"$work/$name.go"
    printf '{"Replace": {"%s/src/%s/zz_cgo_test.go": "%s/%s.go"}}' "$goroot" "$package" "$work" "$name" \
        >"$work/$name.overlay"
    (cd "$goroot/src/$package" && "$goroot/bin/go" test -vet=off -c -overlay "$work/$name.overlay" -o "$binary" . &&
        readelf -l "$binary" | grep -q 'interpreter') >"$work/$name.build" 2>&1 || {
        cat "$work/$name.build"
        echo "stdlib: $package: cannot be built"
        failed=1
        continue
    }
    # A test of theirs that fails now and then by itself is no difference: one that stays is.
    for attempt in 1 2 3; do
        run_both_ways
        cmp -s "$work/$name.without.outcomes" "$work/$name.with.outcomes" && break
        echo "stdlib: $package: different in attempt $attempt"
    done
    count=$(grep -c ': ' "$work/$name.with.outcomes" || true)
    LD_PRELOAD=$library GOPAGEWATCH_LOG=info "$binary" -test.run=NONE 2>&1 | grep -q 'runtime.madvise patched' || {
        echo "stdlib: $package was not watched"
        failed=1
    }
    if [ "$count" -gt 0 ] && diff -u "$work/$name.without.outcomes" "$work/$name.with.outcomes"; then
        echo "stdlib: $("$goroot/bin/go" env GOVERSION) $package: $count tests end the same with and without"
    else
        echo "stdlib: $("$goroot/bin/go" env GOVERSION) $package: DIFFERENT, see $work/$name.with"
        failed=1
    fi
done
exit $failed
