#!/bin/bash
# What somebody does on a fresh machine, as a user with sudo: ./run, a site, a page view, the
# dashboard, Ctrl-C, ./run again. Before that, what ./run says where it cannot work. Runs as root
# inside the Debian that debootstrap.sh makes, with the tree in /footfall.

set -euo pipefail
collector=127.0.0.1:$((20000 + RANDOM % 5000))
dashboards=127.0.0.1:$((26000 + RANDOM % 5000))
data=/home/alice/data
log=/var/tmp/run.log
pid=

fail() {
    echo "debootstrap_inside.sh: $*" >&2
    tail -n 40 "$log" >&2
    exit 1
}

# refused PATTERN COMMAND...: it ends with exit code 1 and one sentence.
refused() {
    local pattern=$1
    shift
    if "$@" >"$log" 2>&1; then fail "this went well: $*"; fi
    grep -q -- "$pattern" "$log" || fail "no sentence with '$pattern' from: $*"
    echo "refused as it should be: $pattern"
}

# start SECONDS: ./run, until it says that it runs.
start() {
    local began=$SECONDS
    setsid su alice -c "cd /footfall && FOOTFALL_MIX_VIEWS=1 exec ./run --data $data \
        --collector-listen $collector --dashboards-listen $dashboards" >"$log" 2>&1 </dev/null &
    pid=$!
    until grep -q 'Footfall is running' "$log"; do
        kill -0 "$pid" 2>/dev/null || fail './run ended.'
        [ $((SECONDS - began)) -lt "$1" ] || fail "./run took longer than $1 s."
        sleep 1
    done
    echo "./run took $((SECONDS - began)) s"
}

stop() {
    kill -INT "$(cat "$data/lock")"
    wait "$pid" || fail "./run ended with exit code $?."
}

footfall() {
    su alice -c "/footfall/build/release/footfall $* --data $data"
}

# fetch METHOD URL [BODY]: status and body.
fetch() {
    node --input-type=module -e '
        const [method, url, body] = process.argv.slice(1);
        const headers = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) " +
            "Gecko/20100101 Firefox/140.0", "content-type": method === "POST" && body[0] === "{"
            ? "application/json" : "application/x-www-form-urlencoded"};
        const answer = await fetch(url, {method, body, headers: body ? headers : {}});
        console.log(answer.status, await answer.text());' -- "$@"
}

# --- Where it cannot work -----------------------------------------------------------------------
useradd --create-home --shell /bin/bash alice 2>/dev/null || true
cp /root/.npmrc /home/alice/ 2>/dev/null && chown alice: /home/alice/.npmrc
chown -R alice: /footfall
if ! command -v ninja >/dev/null; then
    refused 'needs root or sudo' su alice -c /footfall/run
    sed -i 's/^VERSION_ID=.*/VERSION_ID="11"/' /usr/lib/os-release
    refused 'this is debian 11, and Footfall is made for Debian 12' /footfall/run
    sed -i 's/^VERSION_ID=.*/VERSION_ID="12"/' /usr/lib/os-release
    refused 'Is there a network' unshare --net /footfall/run
    mkdir -p /mnt/small
    mount -t tmpfs -o size=100m tmpfs /mnt/small
    cp -r /footfall/. /mnt/small/
    refused 'MB free, and this takes' /mnt/small/run
    umount /mnt/small
fi

# --- Where it works -----------------------------------------------------------------------------
apt-get update -qq >/dev/null
apt-get install -y -qq --no-install-recommends sudo >/dev/null 2>&1
echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice
rm -rf "$data"
chown -R alice: /footfall
start 1800
footfall site add fresh.example |
    grep -q "src=\"http://$collector/footfall.js\" data-site=\"fresh.example\"" ||
    fail 'site add does not print the snippet.'
fetch GET "http://$collector/demo/" | grep -q '^200' || fail 'the demo site does not answer.'
fetch GET "http://$dashboards/" | grep -q '^200' || fail 'the dashboard does not answer.'
# A collector hears of a new site at once, but not before it is added.
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    answer=$(fetch POST "http://$collector/b" 's=fresh.example&u=https%3A%2F%2Ffresh.example%2Fa')
    [ "${answer%% *}" = 204 ] && break
    [ "$attempt" -lt 10 ] || fail "a page view is answered: $answer"
    sleep 0.5
done
query='{"site_id":"fresh.example","metrics":["pageviews"],"date_range":"day"}'
for attempt in 1 2 3 4 5 6 7 8; do
    answer=$(fetch POST "http://$dashboards/api/v2/query" "$query")
    case "$answer" in 200*'"metrics":[1]'*) break ;; esac
    [ "$attempt" -lt 8 ] || fail "the query API does not show the page view: $answer"
    sleep 0.5
done
footfall check | sed 's/^/    /'
refused "already running on $data" su alice -c "/footfall/run --data $data"
refused "$collector is taken by another program" \
    su alice -c "/footfall/run --data $data.other --collector-listen $collector"
stop
echo 'A page view was counted. Again:'
start 20
stop
if pgrep redis-server >/dev/null; then fail 'a Redis is left over.'; fi
# Debian's own Redis, which came with the package, stays off.
[ ! -e /usr/sbin/policy-rc.d ] || fail 'policy-rc.d is left over.'
chown -R root: /footfall
