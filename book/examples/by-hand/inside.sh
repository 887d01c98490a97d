# What the new process does, in its own namespaces, before it becomes the program.
directory=$1 name=$2
shift 2

# Nothing that is mounted here may reach the host.
mount --make-rprivate /

# The root: the image's files, and one writable layer on top.
mkdir -p $directory/upper $directory/work $directory/merged
mount -t overlay overlay -o lowerdir=$directory/lower,upperdir=$directory/upper,workdir=$directory/work $directory/merged
cd $directory/merged

# The processes of this pid namespace, and a few harmless devices.
mkdir -p proc dev old
mount -t proc proc proc
mount -t tmpfs tmpfs dev
mknod -m 666 dev/null c 1 3

# A name of its own, and a loopback that is up.
hostname $name
ip link set lo up

# The new root becomes the root, and the host's is unmounted.
pivot_root . old
exec chroot . sh -c 'umount -l /old; rmdir /old; exec "$@"' sh "$@"
