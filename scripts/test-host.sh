#!/bin/sh
# Before the tests: what the product needs, put there by the product's own installer, and what only tests look through.
set -eu
cd "$(dirname "$0")/.."

./bin/boshvirt doctor --fix --yes
./bin/boshvirt doctor --fix --yes --backend lxc

# package:program; ruby renders the CPI release as bosh would, dropbear-bin is an ssh server that installs no service, the
# others are second opinions on what we write
missing=
for pair in genisoimage:isoinfo xorriso:xorriso ruby:ruby busybox:busybox openssl:openssl curl:curl libxml2-utils:xmllint procps:ps dropbear-bin:dropbear nftables:nft; do
  command -v "${pair#*:}" >/dev/null 2>&1 || missing="$missing ${pair%:*}"
done
# firmware has no program: the one that VMs with UEFI boot from
[ -e /usr/share/OVMF ] || missing="$missing ovmf"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
  echo "the tests need packages; as root: apt-get install --no-install-recommends$missing" >&2
  exit 10
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
install() { apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 $missing; }
install || { apt-get update && install; }
