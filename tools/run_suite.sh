#!/bin/sh
# Runs the unit, component and fuzz tests of one build folder; of the fuzz preset's the targets alone,
# since the address sanitizer's build runs the rest. Usage: run_suite.sh BUILD_DIR.
# gcc 12's thread sanitizer does not know where newer kernels put memory; without address-space
# randomisation it does.
fixed=
if [ "$(basename "$1")" = tsan ] && setarch -R true 2>/dev/null; then
    fixed='setarch -R'
fi
# Most wait most of the time; a fuzz target that runs has a processor for itself.
labels='^(unit|component|fuzz)$' places=4
if [ "$(basename "$1")" = fuzz ]; then
    labels='^fuzz$' places=$(nproc)
fi
exec $fixed ctest --test-dir "$1" --output-on-failure --no-tests=error \
    --label-regex "$labels" --parallel "$places"
