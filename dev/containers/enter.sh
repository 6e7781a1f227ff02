# Makes the folder $1 the root of these namespaces, starts Docker in it, and runs the steps in its folder $2.
set -eu
cd "$1"
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir -p mnt/old
pivot_root . mnt/old
cd "$2"
umount -l /mnt/old
hostname operator
ip link set lo up
echo '127.0.0.1 localhost operator checkout.example.com appmax.example.com' > /etc/hosts
: > /etc/resolv.conf
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
# The name of a container that is down is asked of this machine, which says at once that it knows none.
dockerd --exec-opt native.cgroupdriver=cgroupfs --dns 127.0.0.1 > /var/log/dockerd.log 2>&1 &
until docker info > /dev/null 2>&1; do
    kill -0 $! || { tail /var/log/dockerd.log; exit 1; }
    sleep 0.5
done
python3 -m dev.containers.steps
