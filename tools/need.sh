#!/bin/sh
# Makes sure that this machine has what a make target needs:
#	tools/need.sh postgres|node|gcc|chromium
# It installs Debian's package as root or with a sudo that asks for no password,
# and otherwise says what to install and fails.
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
	if ! can_install; then
		echo "$what is missing. Install it, on Debian or Ubuntu with:" >&2
		echo "    sudo apt-get install $*" >&2
		exit 1
	fi
	echo "$what is missing: installing $*" >&2
	apt_get install "$@" || {
		# The package lists may be old, or not there at all.
		apt_get update
		apt_get install "$@"
	}
}

apt_get() {
	command=$1
	shift
	as_root env DEBIAN_FRONTEND=noninteractive apt-get "$command" -q -y "$@" </dev/null >&2
}

node_is_new_enough() {
	command -v npm >/dev/null && node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null
}

case ${1-} in
postgres)
	find_postgres() { go run ./internal/pgtest/cmd/withpg -find >/dev/null 2>&1; }
	find_postgres && exit
	if can_install; then
		# The tests start their own server; the package must start none.
		install "A PostgreSQL server (for the tests)" postgresql-common
		conf=/etc/postgresql-common/createcluster.conf
		as_root sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' "$conf"
	fi
	install "A PostgreSQL server (for the tests)" postgresql
	go run ./internal/pgtest/cmd/withpg -find >&2
	;;
node)
	node_is_new_enough && exit
	install "Node.js 20 or newer with npm" nodejs npm
	node_is_new_enough || {
		echo "Node.js 20 or newer is needed, and this system's package is older ($(node --version))." >&2
		echo "Take one from nodejs.org or NodeSource and put it on PATH." >&2
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
*)
	echo "usage: tools/need.sh postgres|node|gcc|chromium" >&2
	exit 2
	;;
esac
