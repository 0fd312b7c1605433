/* Asks each role's /readyz and repeats what it says. A role that has just started is given a moment
 * to look around. */

#include "cli/check_roles.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "cli/probe.h"
#include "cli/store.h"
#include "common/clock.h"
#include "common/limits.h"

enum { ERROR_BYTES = 256, READY_WAIT_MS = 3000, READY_TURN_MS = 200 };

struct role {
    const char *name; /* as a command */
    const char *key;
    const char *address; /* configured; NULL: not */
};

/* The answer, which the caller releases; NULL with a sentence when there is none. */
static json_t *ask(const char *address, char error[static ERROR_BYTES])
{
    struct buf body;
    int status;
    json_t *answer = NULL;
    buf_init(&body, ADMIN_BYTES_MAX);
    if (probe_get(address, "/readyz", &status, &body, error, ERROR_BYTES)) {
        answer = json_loadb(buf_str(&body).ptr, body.len, 0, NULL);
        if (answer == NULL)
            snprintf(error, ERROR_BYTES, "what it answers makes no sense");
    }
    buf_done(&body);
    return answer;
}

static bool is_ready(const json_t *answer)
{
    const char *status = json_string_value(json_object_get(answer, "status"));
    return status != NULL && strcmp(status, "ready") == 0;
}

static json_t *ask_until_ready(const char *address, char error[static ERROR_BYTES])
{
    int64_t until_ms = clock_mono_ms() + READY_WAIT_MS;
    for (;;) {
        json_t *answer = ask(address, error);
        if (answer == NULL || is_ready(answer) || clock_mono_ms() >= until_ms)
            return answer;
        json_decref(answer);
        usleep(READY_TURN_MS * 1000);
    }
}

/* The command looks at geo databases and the quarantine itself, and says more of them. */
static bool is_told_elsewhere(const json_t *check)
{
    const char *name = json_string_value(json_object_get(check, "name"));
    return name == NULL || str_starts_with(str_from(name), STR_LIT("geo_")) ||
           strcmp(name, "quarantine") == 0;
}

static void tell_check(struct findings *findings, const char *role, const json_t *check)
{
    const char *detail = json_string_value(json_object_get(check, "detail"));
    const char *since = json_string_value(json_object_get(check, "since"));
    bool good = json_is_true(json_object_get(check, "ok"));
    bool needed = json_is_true(json_object_get(check, "needed"));
    if (good || detail == NULL || since == NULL)
        return;
    if (needed)
        findings_trouble(findings, "%s is not ready, since %s: %s.", role, since, detail);
    else if (!is_told_elsewhere(check))
        findings_warning("%s says, since %s: %s.", role, since, detail);
}

static void check_role(struct findings *findings, const struct config *config,
                       const struct role *role)
{
    char error[ERROR_BYTES], own[STORE_ADMIN_BYTES] = "";
    const char *address = role->address;
    if (address == NULL && store_admin_address(config->data, role->name, own) &&
        access(own + strlen("unix:"), F_OK) == 0)
        address = own;
    if (address == NULL) {
        findings_note("%s does not run on this data folder, or tells nothing (%s).", role->name,
                      role->key);
        return;
    }
    json_t *answer = ask_until_ready(address, error);
    if (answer == NULL) {
        findings_trouble(findings, "%s does not answer on %s: %s.", role->name, address, error);
        return;
    }
    if (is_ready(answer))
        findings_good("%s is ready.", role->name);
    const json_t *checks = json_object_get(answer, "checks");
    for (size_t i = 0; i < json_array_size(checks); i++)
        tell_check(findings, role->name, json_array_get(checks, i));
    json_decref(answer);
}

void check_roles(struct findings *findings, const struct config *config)
{
    const struct role roles[] = {
        {"collect", "collector.admin", config->collector.admin},
        {"aggregate", "aggregator.admin", config->aggregator.admin},
        {"dashboards", "dashboards.admin", config->dashboards.admin},
    };
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        check_role(findings, config, &roles[i]);
}
