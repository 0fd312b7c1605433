/* The keyed hash: another process places the same keys elsewhere, so nobody outside can choose keys
 * that meet. Each process here is a child that has not used the hash before. */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aggregator/section.h"
#include "common/hash.h"
#include "common/macros.h"

enum { KEYS = 64, PLACES = 256 };

struct places {
    uint64_t hashes[KEYS], tagged[KEYS];
    uint32_t order[KEYS]; /* of a section's cells, by their hashes */
};

static struct str key_of(int index, char text[static 16])
{
    int len = snprintf(text, 16, "/page/%d", index);
    return (struct str){text, (size_t)len};
}

static void place(struct places *places)
{
    char text[16];
    struct section *section = section_new(KEYS);
    section_reset(section, STR_LIT("a.example"), 20261126);
    for (int i = 0; i < KEYS; i++) {
        struct str key = key_of(i, text);
        places->hashes[i] = hash_str(key);
        places->tagged[i] = hash_tagged(7, key);
        assert_non_null(section_cell(section, TABLE_PAGE, key));
    }
    uint32_t *order = section_shuffled(section);
    memcpy(places->order, order, sizeof(places->order));
    free(order);
    section_free(section);
}

static void place_elsewhere(struct places *places)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        place(places);
        _exit(write(ends[1], places, sizeof(*places)) == sizeof(*places) ? 0 : 1);
    }
    int status;
    assert_int_equal(read(ends[0], places, sizeof(*places)), sizeof(*places));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(ends[0]);
    close(ends[1]);
}

static void another_process_places_the_same_keys_elsewhere(void **state)
{
    struct places one = {0}, two = {0};
    int hashes = 0, tagged = 0, order = 0;
    (void)state;
    place_elsewhere(&one);
    place_elsewhere(&two);
    for (int i = 0; i < KEYS; i++) {
        hashes += one.hashes[i] == two.hashes[i];
        tagged += one.tagged[i] == two.tagged[i];
        order += one.order[i] == two.order[i];
    }
    assert_int_equal(hashes, 0);
    assert_int_equal(tagged, 0);
    /* One is expected to stand where it stood. */
    assert_in_range(order, 0, KEYS / 4);
}

/* In one process a key has one place, and neighbours do not share it. */
static void a_key_stays_and_keys_spread(void **state)
{
    unsigned counts[PLACES] = {0};
    char text[16];
    (void)state;
    for (int i = 0; i < 32 * PLACES; i++) {
        struct str key = key_of(i, text);
        assert_true(hash_str(key) == hash_str(key));
        assert_true(hash_tagged(1, key) != hash_tagged(2, key));
        assert_true(hash_tagged(0, key) != hash_str(key));
        counts[hash_tagged(1, key) % PLACES]++;
    }
    for (size_t i = 0; i < PLACES; i++)
        assert_in_range(counts[i], 1, 96); /* 32 each: none, or three times that, is no chance */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_process_places_the_same_keys_elsewhere),
        cmocka_unit_test(a_key_stays_and_keys_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
