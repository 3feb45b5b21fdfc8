#!/bin/sh
# The program on the Node.js that came with it, whatever else is installed.
# Run by root, `halfpipe check` tries the key that the service will get. The service itself has it from its unit.
if [ -z "$AWS_SHARED_CREDENTIALS_FILE" ] && [ -r /etc/halfpipe/aws-credentials ]; then
	export AWS_SHARED_CREDENTIALS_FILE=/etc/halfpipe/aws-credentials
fi
# exec: the service manager knows this PID.
exec /usr/lib/halfpipe/node /usr/lib/halfpipe/dist/main.js "$@"
