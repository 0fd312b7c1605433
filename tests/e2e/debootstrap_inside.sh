#!/bin/bash
# What somebody does on a fresh machine: ./run, a site, a page view, the dashboard, Ctrl-C, ./run
# again. Runs inside the Debian that debootstrap.sh makes, in /footfall.

set -euo pipefail
cd /footfall
collector=127.0.0.1:$((20000 + RANDOM % 5000))
dashboards=127.0.0.1:$((26000 + RANDOM % 5000))
log=/var/tmp/run.log
pid=

fail() {
    echo "debootstrap_inside.sh: $*" >&2
    tail -n 40 "$log" >&2
    exit 1
}

# Mixing off, so that one page view is enough.
export FOOTFALL_MIX_VIEWS=1

# start SECONDS: ./run, until it says that it runs.
start() {
    local began=$SECONDS
    ./run --data /var/lib/footfall --collector-listen "$collector" \
        --dashboards-listen "$dashboards" >"$log" 2>&1 &
    pid=$!
    until grep -q 'Footfall is running' "$log"; do
        kill -0 "$pid" 2>/dev/null || fail './run ended.'
        [ $((SECONDS - began)) -lt "$1" ] || fail "./run took longer than $1 s."
        sleep 1
    done
    echo "./run took $((SECONDS - began)) s"
}

stop() {
    kill -INT "$pid"
    wait "$pid" || fail "./run ended with exit code $?."
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

start 1800
build/release/footfall site add fresh.example --data /var/lib/footfall |
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
build/release/footfall check --data /var/lib/footfall | sed 's/^/    /'
stop
echo 'A page view was counted. Again:'
start 20
stop
[ -z "$(pgrep redis-server || true)" ] || fail 'a Redis is left over.'
