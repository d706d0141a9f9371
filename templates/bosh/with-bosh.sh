#!/bin/sh
# {{deed}} the environment {{environment}} as {{boshvirt}} does it, by bosh alone: what is given to this script
# goes to bosh ({{example}}). Its inputs lie beside it, in {{inputs}}. Written anew by each {{boshvirt}}.
set -eu

bosh=${BOSH_CLI:-{{bosh}}}
lock={{lock}}
namespace={{namespace}}

if ! command -v "$bosh" >/dev/null; then
  echo "There is no $bosh: name the bosh CLI with BOSH_CLI=/path/to/bosh" >&2
  exit 10
fi
if [ -n "$namespace" ] && [ ! -e "$namespace" ]; then
  echo "boshvirt's private libvirt host is not running. Start it: boshvirt recover {{environment}}" >&2
  exit 40
fi
# nobody else works on the environment meanwhile
exec 9>>"$lock"
if ! flock --nonblock 9; then
  echo "Somebody works on the environment: $(cat "$lock")" >&2
  exit 71
fi
: >"$lock"
printf 'process %s (%s)' "$$" "${0##*/}" >&9

# settings for other directors
for name in $(env | sed -n 's/^\(BOSH_[A-Z0-9_]*\)=.*/\1/p'); do unset "$name"; done
# bosh keeps what it unpacks in its HOME; the CPI gets the user's back. A proxy has no road to the machine.
direct=${no_proxy:-${NO_PROXY:-}}
export BOSHVIRT_HOME="$HOME" HOME={{home}} PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export no_proxy="${direct:+$direct,}"{{machine}} NO_PROXY="${direct:+$direct,}"{{machine}}
# without a terminal bosh tells its steps only when told to
[ -t 1 ] || set -- --tty --no-color "$@"

{{command}}
