#!/bin/sh
# The program on the Node.js that came with it, whatever else is installed. The commands that root types take variables
# and key of the service by themselves.
# The certificates that this machine trusts (update-ca-certificates) are trusted, too; NODE_USE_SYSTEM_CA=0 is against it.
export NODE_USE_SYSTEM_CA="${NODE_USE_SYSTEM_CA-1}"
# The flags bound the heap; src/main.ts says why, and begins with the same.
# exec: the service manager knows this PID.
exec /usr/lib/halfpipe/node --expose-gc --initial-old-space-size=48 --max-semi-space-size=8 --max-old-space-size=256 /usr/lib/halfpipe/dist/main.js "$@"
