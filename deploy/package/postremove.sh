#!/bin/sh
# Runs after the files are gone. The data stays, also when the package is purged: without its peppers
# no backup is of use.
set -eu
root=${DPKG_ROOT-}
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ "${1-}" = purge ] && [ -d "$root/var/lib/hydrapin" ]; then
	echo "The data in /var/lib/hydrapin is kept. Remove the folder yourself if it is no longer needed." >&2
fi
