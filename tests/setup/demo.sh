#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job on real input: a Go/cgo program fills a map, drops it, gives the memory back; in each phase it is asked for
# a dump by SIGUSR2, and the dumps are explained.
#
# usage: demo.sh LIBRARY GOPAGEWATCH APP OUTDIR
set -eu

library=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
gopagewatch=$2
app=$3
out=$4

rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
mkfifo "$out/to_app" "$out/from_app" "$out/log"
# Both ends are held open here, so that nobody sees an end of file before its time.
exec 3<>"$out/to_app" 4<>"$out/from_app" 5<>"$out/log"

LD_PRELOAD=$library GOPAGEWATCH_LOG=info GOPAGEWATCH_OUT="$out/%n.json" "$app" <&3 >&4 2>&5 3<&- 4<&- 5<&- &
pid=$!
trap 'kill $pid 2>/dev/null || true; rm -f "$out/to_app" "$out/from_app" "$out/log"' EXIT

dumps=
for phase in full dropped returned; do
    while read -r word rest <&4 && [ "$word $rest" != "ready $phase" ]; do :; done
    kill -USR2 "$pid"
    while read -r line <&5; do
        case $line in
        *'dump written: '*) break ;;
        *'no dump'*) echo "$line" >&2; exit 1 ;;
        esac
    done
    mv "${line##*dump written: }" "$out/$phase.json"
    dumps="$dumps $out/$phase.json"
    echo >&3
done
wait "$pid"
trap - EXIT
rm -f "$out/to_app" "$out/from_app" "$out/log"

# Word splitting is wanted: one argument a dump.
# shellcheck disable=SC2086
"$gopagewatch" report $dumps
