#!/bin/sh
# Every C file of the project is as clang-format leaves it. Usage: check_format.sh SOURCE_DIR.
cd "$1" || exit 1
find common aggregator collector dashboards cli tests -name '*.[ch]' \
    -exec clang-format --dry-run -Werror {} +
