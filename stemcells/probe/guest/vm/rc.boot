#!/bin/sh
# Run once by init before anything else.
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
hostname -F /etc/hostname
ip link set lo up
echo "probe: root file system is mounted, starting the agent"
