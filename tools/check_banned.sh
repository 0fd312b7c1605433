#!/bin/sh
# Finds what the house does not allow in its C files, and says where:
#   - functions without bounds, with hidden state, or with the local time zone in them;
#   - libh2o and hiredis outside common/, where the event loop and the link to Redis live;
#   - the visitor's address outside collector/;
#   - includes against the direction: common <- aggregator <- collector, dashboards <- cli.
# Usage: check_banned.sh SOURCE_DIR. Exit code 1 when there is a finding.

cd "$1" || exit 1
findings=0

# forbid WHY PATTERN FILE...
forbid() {
    why=$1
    pattern=$2
    shift 2
    found=$(grep -nE "$pattern" "$@" /dev/null) || return
    printf '%s:\n%s\n' "$why" "$found"
    findings=1
}

# c_files FOLDER...: C files of ours below the folders.
c_files() {
    for folder in "$@"; do
        [ -d "$folder" ] && find "$folder" -name '*.[ch]'
    done
}

# include_of FOLDER...: a pattern for including from these folders.
include_of() {
    printf '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<](%s)/' "$(echo "$*" | tr ' ' '|')"
}

# shellcheck disable=SC2046 # file names of this project have no spaces
{
    forbid 'A function that is not allowed' \
        '(^|[^A-Za-z0-9_])(sprintf|strcpy|strcat|strncpy|strtok|sscanf|atoi|localtime|gmtime|rand)[[:space:]]*\(' \
        $(c_files common aggregator collector dashboards cli tests)
    forbid 'libh2o or hiredis outside common/' '#[[:space:]]*include[[:space:]]*[<"](h2o|hiredis)[./]' \
        $(c_files aggregator collector dashboards cli)
    forbid "A visitor's address outside collector/" \
        '#[[:space:]]*include[[:space:]]*"collector/client_address.h"' \
        $(c_files common aggregator dashboards cli)
    forbid 'common/ includes something above it' \
        "$(include_of aggregator collector dashboards cli)" $(c_files common)
    forbid 'aggregator/ includes something above it' \
        "$(include_of collector dashboards cli)" $(c_files aggregator)
    forbid 'collector/ includes dashboards/ or cli/' "$(include_of dashboards cli)" \
        $(c_files collector)
    forbid 'dashboards/ includes collector/ or cli/' "$(include_of collector cli)" \
        $(c_files dashboards)
    forbid 'A function of the programs includes tests/' "$(include_of tests)" \
        $(c_files common aggregator collector dashboards cli)
}

exit $findings
