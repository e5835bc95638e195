# Sourced in a mount namespace of its own: makes $root, a copy of this system; what is written there stays in memory and is gone with the
# namespace. Defines `inside COMMAND…`, which runs a command there.
root="$WORK/root"
mkdir -p "$WORK/memory" "$root"
mount -t tmpfs tmpfs "$WORK/memory"
mkdir "$WORK/memory/upper" "$WORK/memory/overlay"
mount -t overlay overlay -o "lowerdir=/,upperdir=$WORK/memory/upper,workdir=$WORK/memory/overlay" "$root"
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"

# To run in the background: the process is then the command itself.
exec_inside() {
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
}

inside() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
}

fail() {
    echo "failed: $*" >&2
    exit 1
}
