#!/bin/sh
# Runs the unit, component and fuzz tests of one build folder; of the fuzz preset's the targets alone,
# since the address sanitizer's build runs the rest. Usage: run_suite.sh BUILD_DIR.
# gcc 12's thread sanitizer does not know where newer kernels put memory; without address-space
# randomisation it does.
fixed=
if [ "$(basename "$1")" = tsan ] && setarch -R true 2>/dev/null; then
    fixed='setarch -R'
fi
labels='^(unit|component|fuzz)$'
if [ "$(basename "$1")" = fuzz ]; then
    labels='^fuzz$'
fi
exec $fixed ctest --test-dir "$1" --output-on-failure --no-tests=error \
    --label-regex "$labels" --parallel 4
