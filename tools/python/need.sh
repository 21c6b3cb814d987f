#!/bin/sh
# Makes sure that this system's Python can test and pack the Python SDK: Debian's own packages, for
# /usr/bin/python3 or the one that PYTHON names. It installs them as root or with a sudo that asks
# for no password, and otherwise says what to install and fails.
set -eu

python=${PYTHON:-/usr/bin/python3}
packages="python3 python3-venv python3-pip python3-setuptools python3-wheel python3-build
	python3-pytest python3-httpx python3-cryptography python3-yaml mypy"

complete() {
	"$python" - 2>/dev/null <<'END'
import importlib.util, sys
names = "build cryptography ensurepip httpx mypy pip pytest setuptools venv wheel yaml".split()
missing = [name for name in names if importlib.util.find_spec(name) is None]
sys.exit(sys.version_info < (3, 11) or bool(missing))
END
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

complete && exit
if [ "${HYDRAPIN_TEST_NO_INSTALL:-}" = 1 ] ||
	! command -v apt-get >/dev/null || ! as_root true 2>/dev/null; then
	echo "Python 3.11 or newer with what the SDK's tests need is missing ($python)." >&2
	echo "Install it, on Debian or Ubuntu with:" >&2
	echo "    sudo apt-get install" $packages >&2
	exit 1
fi
echo "What the Python SDK's tests need is missing: installing" $packages >&2
apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null >&2
}
# The package lists may be old, or not there at all.
apt_get install -q -y $packages || { apt_get update -q && apt_get install -q -y $packages; }
complete || {
	echo "$python is older than 3.11, or not the one that these packages are for: set PYTHON." >&2
	exit 1
}
