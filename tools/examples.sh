#!/bin/sh
# Installs and runs every example as a user would, beside a server of its own:
#	tools/examples.sh [folder ...]
# The TypeScript SDK comes as its packed tarball, the Python SDK as its wheel. The
# scripted model asks for one payment; this script answers as the person. An example
# passes when it ran the payment after the PIN, and ran nothing when the person declined.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
python=${PYTHON:-/usr/bin/python3}
pin=804615
sent='The tool said: Sent 250.00 EUR to DE89370400440532013000.'
CUSTOMER=497f6eca-6276-4993-bfeb-53cbbbba6f08
HYDRAPIN_INSTANCE=0d8bf4c6-2f0e-4f1c-9a55-9d3f3f8d3a11
# The server refuses settings that it does not know, so only the examples get these.
unset HYDRAPIN_URL HYDRAPIN_API_KEY HYDRAPIN_RUNTIME_KEY

scratch=$(mktemp -d)
server=
running=
finish() {
	[ -z "$running" ] || kill "$running" 2>/dev/null || true
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "$server" ] || wait "$server" 2>/dev/null || true
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
	echo "examples: $1" >&2
	[ ! -f "$scratch/out" ] || sed 's/^/    /' "$scratch/out" >&2
	exit 1
}

# Waits up to a minute, or $2 tenths of a second, for a command to succeed.
wait_for() {
	left=${2:-600}
	until eval "$1"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}

api() {
	method=$1 path=$2 key=$3
	shift 3
	curl --fail-with-body --silent --show-error --noproxy '*' -X "$method" \
		-H "X-Api-Key: $key" -H 'Content-Type: application/json' "$@" "$url$path"
}

start_server() {
	export HYDRAPIN_DATA_DIR="$scratch/data"
	HYDRAPIN_ADDR=127.0.0.1:0 env -u HYDRAPIN_INSTANCE bin/hydrapin serve >"$scratch/greeting" 2>"$scratch/log" &
	server=$!
	greeted() { grep -q '^  docs ' "$scratch/greeting"; }
	wait_for greeted || fail "the server did not start: $(cat "$scratch/log")"
	greeting() { awk -v name="$1" '$1 == name { print $2; exit }' "$scratch/greeting"; }
	url=$(greeting docs)
	url=${url%/docs}
	admin_key=$(greeting key)
	runtime_key=$(bin/hydrapin keys create --tenant "$(greeting tenant)" --instance "$HYDRAPIN_INSTANCE")
	api POST "/v1/customers/$CUSTOMER/pin" "$admin_key" -d "{\"pin\": \"$pin\"}" >/dev/null
	api PATCH "/v1/instances/$HYDRAPIN_INSTANCE/pin-policy" "$admin_key" \
		-d '{"pin_required_skills": ["payments.transfer"]}' >/dev/null
}

# The person answers through the form of the page that the example shows: `confirm` with
# the PIN, or `decline`.
person() {
	link=$(sed -n 's/^Confirm here: //p' "$scratch/out")
	# The form carries what it must send back; a reader of the page sends it all.
	fields=$(curl --fail-with-body --silent --show-error --noproxy '*' "$link" | "$python" -c '
import html.parser, sys, urllib.parse
class Form(html.parser.HTMLParser):
    fields = {}
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "input" and a.get("type") == "hidden" and a.get("name"):
            self.fields[a["name"]] = a.get("value") or ""
form = Form()
form.feed(sys.stdin.read())
form.fields["decision"] = sys.argv[1]
if sys.argv[1] == "confirm":
    form.fields["pin"] = sys.argv[2]
print(urllib.parse.urlencode(form.fields))' "$1" "$pin")
	status=$(curl --silent --show-error --noproxy '*' -o /dev/null -w '%{http_code}' -d "$fields" "$link")
	[ "$status" = 303 ] || fail "the page answered $status"
}

pack_typescript() {
	[ -z "${tarball-}" ] || return 0
	(cd sdk/typescript && npm pack --silent --pack-destination "$scratch" >/dev/null)
	tarball=$(echo "$scratch"/hydracore-hydrapin-*.tgz)
}

pack_python() {
	[ -z "${wheel-}" ] || return 0
	"$python" -m build --no-isolation --wheel --outdir "$scratch" sdk/python >/dev/null
	wheel=$(echo "$scratch"/hydrapin-*.whl)
}

# Copies an example out of the repository and installs it; $start is then its one command.
install_example() {
	copy=$scratch/$1
	mkdir "$copy"
	for file in examples/"$1"/*; do
		case $file in */node_modules | */package-lock.json) ;; *) cp -R "$file" "$copy" ;; esac
	done
	if [ -f "$copy/package.json" ]; then
		pack_typescript
		sed -i "s#file:../../sdk/typescript#file:$tarball#" "$copy/package.json"
		(cd "$copy" && npm install --ignore-scripts --no-audit --no-fund --silent)
		# The commands of package.json without npm between, which would keep a signal to itself.
		start=$(cd "$copy" && npm pkg get scripts.start | tr -d '"')
	elif [ -f "$copy/main.py" ]; then
		pack_python
		# httpx comes from the system's packages, as in the SDK's own tests.
		"$python" -m venv --system-site-packages "$copy/venv"
		"$copy/venv/bin/python" -m pip install --no-index --quiet "$wheel"
		start=$(sed -n '/^## Run it/,/^## /s/^python3 /venv\/bin\/python /p' "$copy/README.md")
	else
		echo "examples: $1 has neither a package.json nor a main.py nor a main.go" >&2
		exit 1
	fi
}

begin() {
	: >"$scratch/out"
	(
		cd "$copy"
		export CUSTOMER HYDRAPIN_INSTANCE HYDRAPIN_URL="$url" HYDRAPIN_RUNTIME_KEY="$runtime_key" LANGSMITH_TRACING=false
		exec $start
	) >"$scratch/out" 2>&1 &
	running=$!
	shown() { grep -q '^Confirm here: ' "$scratch/out"; }
	shown_or_ended() { shown || ended; }
	wait_for shown_or_ended && shown || fail "$1 asked nobody"
	! grep -q 'Sent 250' "$scratch/out" || fail "$1 ran before the person confirmed"
}

ended() { ! kill -0 "$running" 2>/dev/null; }

end() {
	wait_for ended || fail "$1 does not end"
	wait "$running" || fail "$1 failed"
	running=
}

try() {
	if [ -f "examples/$1/go.mod" ]; then
		# A module of its own, whose test is the scripted model, beside a server of its own.
		go -C "examples/$1" test -count=1 ./... >"$scratch/out" 2>&1 || fail "$1 failed"
		echo "ok: $1"
		return
	fi
	install_example "$1"
	begin "$1"
	person confirm
	end "$1"
	grep -qxF "$sent" "$scratch/out" || fail "$1 did not print: $sent"
	begin "$1"
	person decline
	end "$1"
	! grep -q 'Sent 250' "$scratch/out" || fail "$1 ran although the person declined"
	grep -q '^The tool said: Not run: ' "$scratch/out" || fail "$1 does not say that it did not run"
	rm "$scratch/out"
	echo "ok: $1"
}

# The demo is no agent: make demo runs it.
[ $# -gt 0 ] || set -- $(cd examples && ls -d */ | tr -d / | grep -vx demo)
start_server
for example in "$@"; do
	try "$example"
done
cd "$root"
