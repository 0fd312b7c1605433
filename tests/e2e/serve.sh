#!/bin/bash
# `footfall serve` as it is, with all roles: what the operator reads, what each process is allowed, a
# site added in another terminal, and a stop that leaves nothing behind.
# Usage: serve.sh FOOTFALL
set -u
footfall=$1
work=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
    echo "serve.sh: $*" >&2
    cat serve.out data/log/*.log >&2
    exit 1
}

"$footfall" serve --data data --collector-listen 127.0.0.1:0 --dashboards-listen 127.0.0.1:0 \
    >serve.out 2>&1 </dev/null &
pid=$!
for ((tenths = 0; tenths < 300; tenths++)); do
    grep -q 'Ctrl-C stops it' serve.out && break
    kill -0 "$pid" 2>/dev/null || fail 'serve has ended.'
    sleep 0.1
done
grep -q 'Ctrl-C stops it' serve.out || fail 'serve does not say that it runs.'

# What each process of ours is allowed.
processes=0
for status in /proc/[0-9]*/status; do
    process=${status%/status}
    { tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null | grep -q "^footfall .*--data data" || continue
    [ "$(readlink "$process/cwd" 2>/dev/null)" = "$work" ] || continue
    processes=$((processes + 1))
    grep -q '^NoNewPrivs:[[:space:]]*1$' "$status" || fail "$process may gain privileges."
    grep -q '^Max core file size *0 *0 ' "$process/limits" || fail "$process may dump core."
done
[ "$processes" = 3 ] || fail "$processes roles run, not 3."

"$footfall" check --data data >check.out || fail "check finds trouble: $(cat check.out)"
collector=$(sed -n 's/^ *Collector *//p' serve.out)
"$footfall" site add example.com --data data 2>/dev/null >snippet || fail 'site add does not work.'
grep -qF "src=\"$collector/footfall.js\" data-site=\"example.com\"" snippet ||
    fail "the snippet is $(cat snippet)"
[ "$("$footfall" site list --json --data data | grep -c '"domain"')" = 2 ] ||
    fail 'there are not two sites.'
"$footfall" site remove example.com --yes --data data >/dev/null || fail 'site remove does not work.'

kill -TERM "$pid"
wait "$pid" || fail "serve ended with exit code $?."
pid=
grep -q 'stopped\.$' serve.out || fail 'serve does not say that it stopped.'
ls data/redis/redis.sock 2>/dev/null && fail 'Redis has left its socket.'
exit 0
