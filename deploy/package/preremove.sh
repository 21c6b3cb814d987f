#!/bin/sh
# Runs before the files go: the service stops when the package is removed, not when it is upgraded.
set -eu
case "${1-}" in
remove | 0)
	if [ -z "${DPKG_ROOT-}" ] && [ -d /run/systemd/system ]; then
		systemctl disable --now hydrapin.service
	fi
	;;
esac
