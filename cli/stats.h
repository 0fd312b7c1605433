#pragma once

/* `footfall stats DOMAIN`: the dashboard in a terminal. What is not applied yet (a second or two)
 * is not in it. */

/* The exit code. */
int stats_main(int argc, char **argv);
