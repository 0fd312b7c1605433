/* Keys of days: one a site and day, kept over a restart in shared memory, gone when the day is. */

#include "collector/day_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/limits.h"
#include "tests/test.h"

static const uint32_t DATE = 20261123;

static struct day_key get(struct day_keys *keys, const char *site, uint32_t date)
{
    struct day_key key;
    day_keys_get(keys, str_from(site), date, &key);
    return key;
}

static bool same(struct day_key a, struct day_key b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static void each_site_and_day_has_its_own(void **state)
{
    (void)state;
    struct day_keys *keys = day_keys_open(-1);
    struct day_key first = get(keys, "example.com", DATE);
    assert_true(same(first, get(keys, "example.com", DATE)));
    assert_false(same(first, get(keys, "example.com", DATE + 1)));
    assert_false(same(first, get(keys, "example.org", DATE)));
    assert_int_not_equal(memcmp(first.visit, first.sketch, DAY_KEY_BYTES), 0);
    day_keys_close(keys);
}

static void they_outlive_a_process_and_not_the_memory(void **state)
{
    (void)state;
    int fd = memfd_create("day-keys", MFD_CLOEXEC);
    struct day_keys *keys = day_keys_open(fd);
    struct day_key first = get(keys, "example.com", DATE);
    day_keys_close(keys);
    keys = day_keys_open(fd);
    assert_true(same(first, get(keys, "example.com", DATE)));
    day_keys_close(keys);
    close(fd);
    keys = day_keys_open(-1);
    assert_false(same(first, get(keys, "example.com", DATE)));
    day_keys_close(keys);
}

static bool is_old(struct str site, uint32_t date, void *data)
{
    (void)site;
    return date < *(uint32_t *)data;
}

static bool holds(int fd, const void *bytes, size_t len)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *memory = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    bool found = memmem(memory, (size_t)size, bytes, len) != NULL;
    munmap(memory, (size_t)size);
    return found;
}

static void a_destroyed_key_is_nowhere_in_the_memory(void **state)
{
    (void)state;
    int fd = memfd_create("day-keys", MFD_CLOEXEC);
    struct day_keys *keys = day_keys_open(fd);
    struct day_key yesterday = get(keys, "example.com", DATE - 1);
    struct day_key today = get(keys, "example.com", DATE);
    assert_true(holds(fd, yesterday.sketch, DAY_KEY_BYTES));
    uint32_t oldest = DATE;
    day_keys_destroy(keys, is_old, &oldest);
    assert_false(holds(fd, yesterday.sketch, DAY_KEY_BYTES));
    assert_false(holds(fd, yesterday.visit, DAY_KEY_BYTES));
    assert_true(same(today, get(keys, "example.com", DATE)));
    assert_false(same(yesterday, get(keys, "example.com", DATE - 1)));
    day_keys_close(keys);
    close(fd);
}

static void a_full_table_gives_up_the_oldest_day(void **state)
{
    (void)state;
    struct day_keys *keys = day_keys_open(-1);
    char site[32];
    struct day_key old = get(keys, "old.example", DATE - 1);
    struct day_key kept = get(keys, "kept.example", DATE + 1);
    /* Of many days: only rows of one day have their sites compared, which takes sanitizers long. */
    for (int i = 0; i < DAY_KEYS_MAX - 2; i++) {
        snprintf(site, sizeof(site), "s%d.example", i);
        (void)get(keys, site, DATE + (uint32_t)i % 64);
    }
    assert_true(same(old, get(keys, "old.example", DATE - 1)));
    (void)get(keys, "one-more.example", DATE);
    assert_true(same(kept, get(keys, "kept.example", DATE + 1)));
    assert_false(same(old, get(keys, "old.example", DATE - 1)));
    day_keys_close(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_site_and_day_has_its_own),
        cmocka_unit_test(they_outlive_a_process_and_not_the_memory),
        cmocka_unit_test(a_destroyed_key_is_nowhere_in_the_memory),
        cmocka_unit_test(a_full_table_gives_up_the_oldest_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
