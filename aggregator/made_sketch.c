/* One row of made-up visitors serves all: a cell of n visitors takes the first of them, until the
 * estimate is n, each at a place of the cell's own.
 *
 *   visitors 1 2 3 4 5 …  ─▶ (index, rank)    the estimate goes by the ranks alone, so any shuffle
 *   cell of 3:  ■ ■ ■                         of the indexes has the same: index · odd + offset,
 *   cell of 5:  ■ ■ ■ ■ ■                     modulo 2^14, of the cell's key
 *
 * How many give which estimate is found by bisection, once for each number. Many visitors are not
 * drawn one by one: a register that λ visitors come to on average has no rank above r with the
 * probability exp(-λ 2^-r), and λ is set right by what the estimate comes to. */

#include "aggregator/made_sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXACT_MAX = 4096, /* visitors that are drawn one by one */
    DRAWN_MAX = 2 * EXACT_MAX,
    CORRECTIONS = 4,
    INDEX_MASK = SKETCH_REGISTERS - 1,
};

struct made_sketch {
    struct sketch_register drawn[DRAWN_MAX];
    uint16_t needed[EXACT_MAX + 1]; /* for this estimate; 0: not known yet */
    double uniform[SKETCH_REGISTERS];
    uint64_t dense_visitors; /* of `dense`; 0: none */
    uint8_t dense[SKETCH_REGISTERS];
};

/* SplitMix64: the same numbers each time. */
static uint64_t next_number(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct sketch_register register_of(uint64_t number)
{
    uint64_t rest = number >> 14 | UINT64_C(1) << (SKETCH_RANK_MAX - 1);
    return (struct sketch_register){(uint16_t)(number & INDEX_MASK),
                                    (uint8_t)(__builtin_ctzll(rest) + 1)};
}

struct made_sketch *made_sketch_new(void)
{
    struct made_sketch *made = calloc(1, sizeof(*made));
    uint64_t state = 1;
    if (made == NULL)
        abort();
    for (int i = 0; i < DRAWN_MAX; i++)
        made->drawn[i] = register_of(next_number(&state));
    for (int i = 0; i < SKETCH_REGISTERS; i++)
        made->uniform[i] = ((double)(next_number(&state) >> 11) + 0.5) * 0x1p-53;
    return made;
}

void made_sketch_free(struct made_sketch *made)
{
    free(made);
}

/* --- Few visitors ----------------------------------------------------------------------------- */

static void draw(const struct made_sketch *made, unsigned count, uint8_t dense[SKETCH_REGISTERS])
{
    memset(dense, 0, SKETCH_REGISTERS);
    for (unsigned i = 0; i < count; i++) {
        struct sketch_register reg = made->drawn[i];
        if (reg.rank > dense[reg.index])
            dense[reg.index] = reg.rank;
    }
}

/* The fewest whose estimate is not below it. */
static unsigned find_needed(const struct made_sketch *made, uint64_t estimate)
{
    uint8_t dense[SKETCH_REGISTERS];
    unsigned low = 1, high = DRAWN_MAX;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        draw(made, middle, dense);
        if (sketch_estimate(dense) >= estimate)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* --- Many visitors ---------------------------------------------------------------------------- */

static uint8_t rank_of(double uniform, double visitors_a_register)
{
    double rank = ceil(log2(visitors_a_register / -log(uniform)));
    return rank < 0 ? 0 : rank > SKETCH_RANK_MAX ? SKETCH_RANK_MAX : (uint8_t)rank;
}

static void spread(const struct made_sketch *made, uint64_t visitors,
                   uint8_t dense[SKETCH_REGISTERS])
{
    double drawn = (double)visitors;
    for (int round = 0; round < CORRECTIONS; round++) {
        for (int i = 0; i < SKETCH_REGISTERS; i++)
            dense[i] = rank_of(made->uniform[i], drawn / SKETCH_REGISTERS);
        drawn *= (double)visitors / (double)sketch_estimate(dense);
    }
}

/* --- A cell ----------------------------------------------------------------------------------- */

/* Neighbours often have the same number: the last one is kept. */
static void make(struct made_sketch *made, uint64_t visitors)
{
    if (visitors > MADE_SKETCH_VISITORS_MAX)
        visitors = MADE_SKETCH_VISITORS_MAX;
    if (made->dense_visitors == visitors)
        return;
    made->dense_visitors = visitors;
    if (visitors > EXACT_MAX) {
        spread(made, visitors, made->dense);
        return;
    }
    if (made->needed[visitors] == 0)
        made->needed[visitors] = (uint16_t)find_needed(made, visitors);
    draw(made, made->needed[visitors], made->dense);
}

size_t made_sketch_registers(struct made_sketch *made, uint64_t visitors,
                             const uint8_t cell_key[SKETCH_KEY_BYTES],
                             struct sketch_register ret_registers[SKETCH_REGISTERS])
{
    uint32_t factor, offset;
    size_t count = 0;
    if (visitors == 0)
        return 0;
    make(made, visitors);
    memcpy(&factor, cell_key, sizeof(factor));
    memcpy(&offset, cell_key + sizeof(factor), sizeof(offset));
    for (uint32_t i = 0; i < SKETCH_REGISTERS; i++)
        if (made->dense[i] > 0)
            ret_registers[count++] = (struct sketch_register){
                (uint16_t)((i * (factor | 1) + offset) & INDEX_MASK), made->dense[i]};
    return count;
}
