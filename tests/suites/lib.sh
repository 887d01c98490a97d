# Shared by the checks that run other people's suites: a server, the images those expect, and the judgement. To be sourced after
# tests/lib.sh.
suites="$top/tests/suites"
place=${DRYDOCK_SUITES:-$top/target/suites}
[ -f "$place/busybox.tar" ] || fail "the suites are not there: tests/suites/prepare"
place=$(cd "$place" && pwd)
socket="$state/api.sock"
pids=()
suite_finish() {
    local code=$? pid
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    finish "$code"
}
trap suite_finish EXIT

begin() { # begin [FLAG…]: starts the server
    command "$program" serve -H "unix://$socket" "$@" 2>"$state/serve" &
    pids+=($!)
    for _ in $(seq 200); do curl -sf --unix-socket "$socket" http://d/_ping >/dev/null 2>&1 && break; sleep 0.05; done
    export DOCKER_HOST="unix://$socket"
}

image() { # image TAR COMMAND NAME…: an image of its own for each name
    local tar=$1 command=$2 name
    shift 2
    for name in "$@"; do
        drydock import -c "CMD $command" -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -m "suite $name" "$tar" "$name" >/dev/null
    done
}

wipe() { # what tests that failed have left is no residue of the engine's
    local ids
    ids=$(drydock ps -aq --no-trunc)
    note_ids
    [ -z "$ids" ] || drydock rm -f $ids >/dev/null
    curl -sf --unix-socket "$socket" -X POST http://d/networks/prune >/dev/null
    drydock volume prune -a -f >/dev/null
}

judge() { # judge NAME FLOOR: what failed must be known, with a reason, and enough must have passed
    mkdir -p "$top/target/reports/suites"
    sort -u -t "$(printf '\t')" -k 2,2 "$state/results" >"$top/target/reports/suites/$1.tsv"
    python3 "$suites/judge.py" "$top/target/reports/suites/$1.tsv" "$suites/$1.tsv" "$2"
}
