#pragma once

/* What a role on this machine could do if somebody broke into it. */

void check_sandbox(void);
