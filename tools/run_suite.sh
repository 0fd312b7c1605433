#!/bin/sh
# Runs the unit, component and fuzz tests of one build folder. Usage: run_suite.sh BUILD_DIR.
# gcc 12's thread sanitizer does not know where newer kernels put memory; without address-space
# randomisation it does.
fixed=
if [ "$(basename "$1")" = tsan ] && setarch -R true 2>/dev/null; then
    fixed='setarch -R'
fi
exec $fixed ctest --test-dir "$1" --output-on-failure --no-tests=error \
    --label-regex '^(unit|component|fuzz)$' --parallel 2
