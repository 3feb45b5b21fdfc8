#!/bin/sh
# The program on the Node.js that came with it, whatever else is installed.
program='/usr/lib/halfpipe/node /usr/lib/halfpipe/dist/main.js'

# What root checks is what the service will do, so it is done by the service's user with the service's key. As root it
# would prove nothing, and leave a .halfpipe in the spool that the service could not use.
if [ "$1" = check ] && [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ]; then
	unit=halfpipe-check-$$.service
	exec systemd-run --quiet --pipe --wait --collect --unit="$unit" --property=User=halfpipe --property=UMask=0077 \
		--property=EnvironmentFile=-/etc/default/halfpipe \
		--property=LoadCredential=aws-credentials:/etc/halfpipe/aws-credentials \
		--property=SetCredential=aws-credentials: \
		--setenv=AWS_SHARED_CREDENTIALS_FILE="/run/credentials/$unit/aws-credentials" \
		--setenv=AWS_CONFIG_FILE=/etc/halfpipe/aws-config \
		$program "$@"
fi

# exec: the service manager knows this PID.
exec $program "$@"
