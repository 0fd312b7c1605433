/* Asks the kernel, not the roles: they close whatever it can close, or do not start. */

#include "cli/check_sandbox.h"

#include "cli/findings.h"
#include "cli/sandbox.h"

void check_sandbox(void)
{
    char gaps[SANDBOX_SENTENCE_BYTES];
    sandbox_gaps(gaps);
    if (!sandbox_is_built())
        findings_note("This build is for testing: its roles are not closed in.");
    else if (gaps[0] == '\0')
        findings_good("The roles are closed in: a broken one reaches no file, port or system call "
                      "but its own.");
    else
        findings_warning("The roles are not closed in as well as they could be: %s.", gaps);
}
