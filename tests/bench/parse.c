/* How long the pure part of a beacon takes: one JSON line of nanoseconds a call.
 *
 * Not a test: figures depend on the machine. Build in release to compare. */

#include "collector/beacon.h"
#include "collector/consent.h"
#include "collector/source.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 1000 * 1000 };

static const struct str view =
    STR_LIT("s=example.com&u=https%3A%2F%2Fexample.com%2Fblog%2F2015%2Flogstash-monitorama-2013%2F"
            "%3Futm_source%3Dnewsletter%26utm_medium%3Demail%26utm_campaign%3Dspring&r=https%3A%2F"
            "%2Fwww.google.co.uk%2F&w=1440");
static const struct str event =
    STR_LIT("s=example.com&u=https%3A%2F%2Fexample.com%2Fpricing&n=signup&p=%7B%22plan%22%3A%22pro"
            "%22%2C%22seats%22%3A5%7D&w=1440");

static struct beacon_scratch scratch;
static struct beacon beacon;
/* Keeps the compiler from leaving out what nobody reads. */
static volatile size_t sink;

static void parse(struct str body)
{
    enum beacon_status status = beacon_parse(body, &scratch, &beacon);
    assert(status == BEACON_OK);
    sink += beacon.path.len;
}

static void run_view(void)
{
    parse(view);
}

static void run_event(void)
{
    parse(event);
}

static void run_source(void)
{
    struct source source;
    source_classify(&beacon, false, &source);
    sink += source.channel.len;
}

static void run_consent(void)
{
    struct consent_headers headers = {
        .cookies = {STR_LIT(
            "_ga=GA1.1.1234567890.1234567890; session=abcdef0123456789; theme=dark")},
        .cookie_count = 1,
        .honour_gpc = true,
        .honour_dnt = true};
    sink += consent_check(&headers);
}

static double ns_a_call(void (*run)(void))
{
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int i = 0; i < ROUNDS; i++)
        run();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
           ROUNDS;
}

int main(void)
{
    double consent_ns = ns_a_call(run_consent);
    double event_ns = ns_a_call(run_event);
    double view_ns = ns_a_call(run_view);
    double tagged_ns = ns_a_call(run_source);
    for (size_t i = 0; i < UTM__COUNT; i++)
        beacon.utm[i] = STR_EMPTY;
    double known_ns = ns_a_call(run_source);
    beacon.referrer_host = STR_LIT("some.unknown.host.example.org");
    double unknown_ns = ns_a_call(run_source);
    printf("{\"consent_ns\":%.0f,\"view_ns\":%.0f,\"view_bytes\":%zu,\"event_with_props_ns\":%.0f,"
           "\"source_tagged_ns\":%.0f,\"source_known_host_ns\":%.0f,\"source_unknown_host_ns\":%."
           "0f}\n",
           consent_ns, view_ns, view.len, event_ns, tagged_ns, known_ns, unknown_ns);
    return 0;
}
