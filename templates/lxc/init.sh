# The first process of a container, run by sh -c; $0 is the VM's CID, the arguments are the program to become.
exec </dev/null >>/var/log/console.log 2>&1

# Control groups v1 without systemd-machined: libvirt leaves all containers in one group of systemd's own hierarchy, where
# their systemds would end each other's services.
systemd=/sys/fs/cgroup/systemd
if grep -q '^[0-9]*:name=systemd:/$' /proc/self/cgroup && [ -d "$systemd" ]; then
  mkdir -p "$systemd/$0" && echo 0 >"$systemd/$0/cgroup.procs"
fi

# libvirt calls a container by its domain's name at each start; its agent has called it something else for good
if [ -s /etc/hostname ]; then hostname -F /etc/hostname; fi

if [ $# -gt 0 ]; then exec "$@"; fi
if [ -x /usr/sbin/runsvdir-start ]; then exec /usr/sbin/runsvdir-start; fi
# what systemd shows while it starts would fill a console that nobody reads, and then wait for a reader
exec /sbin/init systemd.show_status=0
