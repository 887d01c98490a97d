#!/bin/sh
# container.sh DIRECTORY NAME PROGRAM…: a container by hand, from the files in DIRECTORY/lower.
set -e
here=$(dirname "$0") directory=$1 name=$2
shift 2

# 1. A control group of its own, with room for twenty processes. In version 2 the root must allow it first.
group=/sys/fs/cgroup
if [ -e $group/cgroup.controllers ]; then echo +pids >$group/cgroup.subtree_control; else group=$group/pids; fi
mkdir -p $group/by-hand-$name
echo 20 >$group/by-hand-$name/pids.max

# 2. Into the group, and from there into new namespaces.
code=0
sh -c 'echo $$ >"$0"/cgroup.procs; exec "$@"' $group/by-hand-$name \
    unshare --mount --uts --ipc --net --pid --fork sh -e $here/inside.sh $directory $name "$@" || code=$?

# 3. What was made goes.
rmdir $group/by-hand-$name
exit $code
