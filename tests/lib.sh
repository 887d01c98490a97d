# Shared by the checks of the root lane: a Drydock of its own with an image, and the law that nothing is left. To be sourced.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program="${DRYDOCK_PROGRAM:-$top/target/release/drydock}"
[ -x "$program" ] || { echo "$program is not there: cargo build --release" >&2; exit 1; }
ip link set lo up

state=$(mktemp -d)
export DRYDOCK_DATA_ROOT="$state/data" DRYDOCK_RUN_ROOT="$state/run"
"$top/lessons/00-first-container/images" busybox

drydock() { command "$program" "$@"; }
fail() { echo "FAIL: $*" >&2; exit 1; }

# expect_code CODE COMMAND…: the command ends with this code; its standard output and error stay in $state/out and $state/err.
expect_code() {
    local want=$1 got=0
    shift
    "$@" >"$state/out" 2>"$state/err" </dev/null || got=$?
    [ "$got" = "$want" ] || fail "'$*' ended with $got, not $want: $(cat "$state/err")"
}

one_line_error() {
    # The usage and the hint about --help below it are Docker's, and people know them.
    local lines
    lines=$(grep -c -v -E "^(Usage:|Run '|$)" "$state/err" || true)
    [ "$lines" = 1 ] || fail "the error is $lines lines, not one: $(cat "$state/err")"
    echo "    $(grep -v -E "^(Usage:|Run '|$)" "$state/err")"
}

# Everything that Drydock could leave behind, by the system's own tools and not by Drydock's.
leftovers() {
    ip -o link show | grep -E 'drydock|veth' || true
    ip -o address show | grep -E ' drydock' || true
    grep "$state" /proc/self/mounts || true
    # Groups are named drydock/ID; only those of this run's containers count.
    for id in $(cat "$state/ids" 2>/dev/null); do find /sys/fs/cgroup -maxdepth 3 -type d -name "$id" 2>/dev/null; done
    nft list tables 2>/dev/null | grep drydock || true
    pgrep -a -f "supervise .*$state" || true
    pgrep -a -f "proxy .*$state" || true
    pgrep -a -f "names .*$state" || true
    find "$DRYDOCK_DATA_ROOT/containers" -mindepth 1 2>/dev/null | head -n 5 || true
    find "$DRYDOCK_RUN_ROOT" -mindepth 1 \( -type s -o -path '*containers/*' \) 2>/dev/null | head -n 5 || true
}

note_ids() { drydock ps -aq --no-trunc >>"$state/ids" 2>/dev/null || true; }

nothing_left() {
    local left deadline=$((SECONDS + 10))
    while left=$(leftovers); [ -n "$left" ] && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
    [ -z "$left" ] || fail "left behind: $left"
    # And by Drydock's own: records and host agree, and images are whole.
    local found
    found=$(drydock doctor) || fail "the doctor: $found"
    echo "  nothing left"
}

# finish [CODE]: takes everything away and ends with the code of the test, which is asked for here unless it is given: what a test of
# its own trap does before must not hide it.
finish() {
    code=${1-$?}
    ids=$(command "$program" ps -aq 2>/dev/null || true)
    [ -z "$ids" ] || command "$program" rm -f $ids >/dev/null 2>&1 || true
    local found
    if [ "$code" = 0 ] && ! found=$(command "$program" doctor --quick 2>&1); then
        echo "FAIL: the doctor found what this test left: $found" >&2
        code=1
    fi
    rm -rf "$state"
    exit "$code"
}
trap finish EXIT
drydock import "$top/target/images/busybox.tar" busybox >/dev/null
