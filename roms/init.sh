#!/bin/busybox sh
# First process of the default guest: sets the system up, then leaves it to busybox init, which keeps a shell on the
# console (etc/inittab) and carries out poweroff, reboot and halt.
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts 2>/dev/null
hostname lockstep
echo "Lockstep: init started"
exec /bin/busybox init
