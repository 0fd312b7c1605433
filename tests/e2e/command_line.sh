#!/bin/sh
# The command line from outside: what is good, what is misuse, and in which words. Needs no server.
# Usage: command_line.sh FOOTFALL SOURCE_DIR
footfall=$1
source_dir=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

# expect CODE PATTERN ARGUMENT...: the exit code, and a line of the output (both streams).
expect() {
    code=$1
    pattern=$2
    shift 2
    "$footfall" "$@" >out 2>&1 </dev/null
    got=$?
    if [ "$got" != "$code" ] || ! grep -q -- "$pattern" out; then
        echo "footfall $*: exit code $got, wanted $code and: $pattern"
        sed 's/^/    /' out
        failed=1
    fi
}

expect 0 '^footfall [0-9]' --version
expect 0 '^usage: footfall COMMAND' --help
expect 2 '^usage: footfall COMMAND'
expect 2 'there is no command nonsense' nonsense
for command in $("$footfall" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    expect 0 "^usage: footfall $command" "$command" --help
    expect 2 'unrecognized option' "$command" --nonsense
done
expect 2 '^usage: footfall serve' serve too much
expect 2 '^usage: footfall site' site
expect 2 '^usage: footfall site' site add
expect 2 '^usage: footfall site' site list one
expect 2 '^footfall: --keep-days does not take "soon"; --help' site add a.example --keep-days soon
expect 2 '^footfall: --discard does not go with the other options; --help' quarantine --retry --discard
expect 2 'collector-listen: collector.listen must be' serve --collector-listen nowhere
expect 1 'Has .footfall serve. run on this data folder' site list --data "$work/none"
expect 1 '^TROUBLE .*admin.secret cannot be read' check --data "$work/none"
expect 1 'none.yaml cannot be read' check --config none.yaml

printf 'mix:\n  views: 3\n  veiws: 4\n' >wrong.yaml
expect 1 'wrong.yaml, line 3: mix.veiws is not a key' check --config wrong.yaml
expect 1 'wrong.yaml, line 3: mix.veiws is not a key' collect --config wrong.yaml

# The documented keys are the keys.
"$footfall" check --keys >keys || failed=1
while IFS= read -r line; do
    grep -qxF -- "$line" "$source_dir/docs/operations.md" || {
        echo "docs/operations.md lacks: $line"
        failed=1
    }
done <keys

# Standard output that cannot be written is no crash.
"$footfall" --help >/dev/full
[ $? -lt 128 ] || failed=1

[ "$(ls)" = "$(printf 'keys\nout\nwrong.yaml')" ] || {
    echo 'a command without serve left files behind:'
    ls
    failed=1
}
exit $failed
