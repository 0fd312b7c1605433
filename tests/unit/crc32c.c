/* CRC-32C against the published examples, in one piece and in several. */

#include "tests/test.h"

#include "common/crc32c.h"
#include "common/macros.h"

static void it_gives_the_published_values(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0}, ones[32], up[32], down[32];
    for (size_t i = 0; i < 32; i++) {
        ones[i] = 0xff;
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    /* RFC 3720 B.4, and the usual check value. */
    const struct {
        const void *ptr;
        size_t len;
        uint32_t crc;
    } cases[] = {
        {"", 0, 0},
        {"123456789", 9, 0xe3069283},
        {zeros, 32, 0x8a9136aa},
        {ones, 32, 0x62a8ab43},
        {up, 32, 0x46dd794e},
        {down, 32, 0x113fdb5c},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(crc32c(0, cases[i].ptr, cases[i].len), cases[i].crc);
        assert_int_equal(crc32c_portable(0, cases[i].ptr, cases[i].len), cases[i].crc);
        for (size_t cut = 0; cut <= cases[i].len; cut++) {
            uint32_t front = crc32c(0, cases[i].ptr, cut);
            assert_int_equal(crc32c(front, (const char *)cases[i].ptr + cut, cases[i].len - cut),
                             cases[i].crc);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_gives_the_published_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
