#!/bin/sh
# Sets up the service after `npm install --global`: the user, the spool, the config if there is none, the units, the
# completion. Run it again after each upgrade: it replaces only what it has made itself.
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."

if [ -e /usr/lib/systemd/system/halfpipe.service ]; then
	echo 'the Debian package of halfpipe is installed: use that, or remove it first' >&2
	exit 1
fi
halfpipe=$(command -v halfpipe) || {
	echo 'halfpipe is not in PATH: install it with npm install --global' >&2
	exit 1
}
case $(readlink -f "$halfpipe") in /home/* | /root/*)
	# As with nvm.
	echo "$(readlink -f "$halfpipe"): the service cannot read a home: install Node.js and halfpipe for all users" >&2
	exit 1
	;;
esac
# The service's PATH; the first line of the program looks there.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin command -v node >/dev/null || {
	echo "$(command -v node): the service looks for node in /usr/local/bin and /usr/bin: link it there" >&2
	exit 1
}

install -D -m 0644 systemd/halfpipe.sysusers.conf /etc/sysusers.d/halfpipe.conf
systemd-sysusers halfpipe.conf
install -D -m 0644 systemd/halfpipe.tmpfiles.conf /etc/tmpfiles.d/halfpipe.conf
systemd-tmpfiles --create halfpipe.conf
install -d -m 0755 /etc/halfpipe/conf.d
[ -e /etc/halfpipe/halfpipe.yaml ] || install -m 0644 config/halfpipe.yaml /etc/halfpipe/halfpipe.yaml
[ -e /etc/halfpipe/aws-credentials ] || install -m 0600 systemd/debian/aws-credentials /etc/halfpipe/aws-credentials
for unit in halfpipe.service halfpipe@.service; do
	sed "s|/usr/bin/halfpipe|$halfpipe|" "systemd/$unit" >"/etc/systemd/system/$unit"
done
install -D -m 0644 systemd/halfpipe.bash-completion /usr/local/share/bash-completion/completions/halfpipe
# Not where an image is built.
[ ! -d /run/systemd/system ] || systemctl daemon-reload
