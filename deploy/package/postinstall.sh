#!/bin/sh
# Runs after the files are there: on an installation and on every upgrade. DPKG_ROOT is set when
# dpkg installs into another folder than /.
set -eu
root=${DPKG_ROOT-}

known() { grep -q "^hydrapin:" "$root/etc/$1" 2>/dev/null; }
known group || groupadd ${root:+--prefix "$root"} --system hydrapin
known passwd || useradd ${root:+--prefix "$root"} --system --gid hydrapin --no-create-home \
	--home-dir /var/lib/hydrapin --shell /usr/sbin/nologin hydrapin

# By number, because the names are those of $root.
group=$(sed -n 's/^hydrapin:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/group")
user=$(sed -n 's/^hydrapin:[^:]*:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
chown "0:$group" "$root/etc/hydrapin" "$root/etc/hydrapin/hydrapin.env"
chmod 750 "$root/etc/hydrapin"
chmod 640 "$root/etc/hydrapin/hydrapin.env"
mkdir -p "$root/var/lib/hydrapin"
chown "$user:$group" "$root/var/lib/hydrapin"
chmod 700 "$root/var/lib/hydrapin"

if [ -z "$root" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# An upgrade: Debian gives the old version, RPM the number of versions.
	case "${1-}:${2-}" in
	configure:?* | [2-9]:*) systemctl try-restart hydrapin.service ;;
	*) echo "hydrapin is installed. Look at /etc/hydrapin/hydrapin.env, then: systemctl enable --now hydrapin" ;;
	esac
fi
