#!/bin/sh
# Run once by init before anything else: mounts what the container was not given already, and nothing that is the host's.
export PATH=/sbin:/usr/sbin:/bin:/usr/bin
add() {
  mkdir -p "$2"
  grep -q " $2 " /proc/mounts || mount -t "$1" -o "$3" "$1" "$2"
}
[ -e /proc/mounts ] || mount -t proc proc /proc
add devpts /dev/pts newinstance,ptmxmode=0666,mode=0620,gid=5
add tmpfs /dev/shm mode=1777
add tmpfs /run mode=0755
add tmpfs /tmp mode=1777
ip link set lo up
message="probe: the container is set up, starting the agent"
# the console's reader may be nobody: only a file takes everything
if [ -f /proc/self/fd/1 ]; then echo "$message"; else timeout 1 echo "$message" >/dev/console; fi
