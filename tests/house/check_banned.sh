#!/bin/sh
# The check of the house's rules finds each kind of breach, and nothing in a clean tree.
# Usage: check_banned.sh THE_CHECK
check=$1
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/common" "$tree/aggregator" "$tree/collector" "$tree/dashboards" "$tree/cli"

# A clean tree: reentrant and bounded relatives of what is banned are fine.
cat >"$tree/common/a.c" <<'C'
#include "common/buf.h"
#include <h2o.h>
void f(void) { snprintf(a, 1, "x"); gmtime_r(&t, &tm); operand(3); my_rand(); }
C
echo '#include "collector/client_address.h"' >"$tree/collector/a.c"
echo '#include "aggregator/model.h"' >"$tree/dashboards/a.c"
if ! "$check" "$tree"; then
    echo 'a clean tree is refused'
    exit 1
fi

failed=0
# breach FILE LINE: the check must refuse the tree with this line in it.
breach() {
    echo "$2" >"$tree/$1"
    if "$check" "$tree" >/dev/null; then
        echo "not found in $1: $2"
        failed=1
    fi
    rm "$tree/$1"
}
for function in sprintf strcpy strcat strncpy strtok sscanf atoi localtime gmtime rand; do
    breach collector/b.c "    x = $function(y);"
done
breach aggregator/b.c '#include <h2o.h>'
breach cli/b.c '#include <hiredis/hiredis.h>'
breach dashboards/b.c '#include "collector/client_address.h"'
breach cli/b.c '#include "collector/client_address.h"'
breach common/b.c '#include "aggregator/model.h"'
breach aggregator/b.h '#include "collector/beacon.h"'
breach collector/b.c '#include "dashboards/server/dashboards.h"'
breach dashboards/b.c '# include "collector/beacon.h"'
breach collector/b.c '#include "cli/command.h"'
breach common/b.c '#include "tests/test.h"'
exit $failed
