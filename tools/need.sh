#!/bin/sh
# Makes sure that this machine has what a make target needs:
#	tools/need.sh postgres|node|gcc|chromium
# What is missing it installs as Debian's package, as root or with a sudo that asks for
# no password, after saying so. With HYDRAPIN_TEST_NO_INSTALL=1, or where it cannot
# install, it says what to install and fails.
set -eu
cd "$(dirname "$0")/.."

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

can_install() {
	command -v apt-get >/dev/null && as_root true 2>/dev/null
}

# Arguments: what is missing, then Debian's packages that bring it.
install() {
	what=$1
	shift
	if [ "${HYDRAPIN_TEST_NO_INSTALL-}" = 1 ]; then
		echo "$what is missing, and HYDRAPIN_TEST_NO_INSTALL=1 forbids installing it: install it yourself (Debian or Ubuntu: sudo apt-get install $*), or unset the variable." >&2
		exit 1
	fi
	if ! can_install; then
		echo "$what is missing. Install it, on Debian or Ubuntu with:" >&2
		echo "    sudo apt-get install $*" >&2
		exit 1
	fi
	echo "$what is missing: about to install the packages: $* (apt-get install, as root). HYDRAPIN_TEST_NO_INSTALL=1 forbids that." >&2
	apt_get install "$@" || {
		# The package lists may be old, or not there at all.
		apt_get update
		apt_get install "$@"
	}
}

apt_get() {
	command=$1
	shift
	as_root env DEBIAN_FRONTEND=noninteractive apt-get "$command" -q -y -o DPkg::Path="$package_path" "$@" </dev/null >&2
}

# Where the packages' own scripts find commands; this is apt's default.
package_path=/usr/sbin:/usr/bin:/sbin:/bin

# The tests start a server of their own. Debian's package would create a cluster, and
# start whatever clusters there are: while it is installed, the commands for that do
# nothing. No file of the system is changed for it.
without_clusters() {
	chmod 755 "$scratch"
	for command in pg_createcluster invoke-rc.d; do
		printf '#!/bin/sh\nexit 0\n' >"$scratch/$command"
		chmod 755 "$scratch/$command"
	done
	package_path=$scratch:$package_path
}

node_is_new_enough() {
	command -v npm >/dev/null && node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null
}

case ${1-} in
postgres)
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	# Built first, so that a program that does not compile is not taken for a server
	# that is missing.
	go build -o "$scratch/withpg" ./internal/pgtest/cmd/withpg
	"$scratch/withpg" -find >/dev/null 2>&1 && exit
	without_clusters
	install "A PostgreSQL server (for the tests)" postgresql
	"$scratch/withpg" -find >&2
	;;
node)
	node_is_new_enough && exit
	install "Node.js 20 or newer with npm" nodejs npm
	node_is_new_enough || {
		echo "Node.js 20 or newer is needed, and this system's package is older ($(node --version))." >&2
		echo "Install one from nodejs.org or NodeSource and put it on PATH." >&2
		exit 1
	}
	;;
gcc)
	command -v gcc >/dev/null && exit
	install "A C compiler (the race detector needs one)" gcc libc6-dev
	;;
chromium)
	# tools/e2e/lib/browser.js looks in the same places.
	find_chromium() { command -v "${CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome; }
	find_chromium >/dev/null && exit
	install "Chromium (the documentation pages are tested in it)" chromium
	;;
systemd)
	command -v systemd-analyze >/dev/null && exit
	install "systemd-analyze (the service's unit is checked with it)" systemd
	;;
*)
	echo "usage: tools/need.sh postgres|node|gcc|chromium|systemd" >&2
	exit 2
	;;
esac
