#pragma once

/* What every role does first. */

/* No core dump, no debugger of another user, no new privileges, files for their owner only, SIGPIPE
 * ignored, as many descriptors as allowed. Nothing here can fail in a way that matters more than
 * running. */
void harden_process(void);
