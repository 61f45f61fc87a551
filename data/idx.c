/*
 * idx.c: the head of an IDX file (the format of MNIST).
 *
 * Two zero bytes, a type, the rank, the dimensions as big-endian 32-bit
 * numbers, then the elements, big-endian, last dimension fastest.
 *
 * The types are u8, i8, i16, i32, f32 and f64; unsigned 16 bits and 64-bit
 * integers have no code.
 */
#include "data/format.h"
#include "runtime/base.h"

bool idx_matches(const struct head *h)
{
    return h->n >= 4 && h->bytes[0] == 0 && h->bytes[1] == 0;
}

static bool element_of(uint8_t code, enum element *e)
{
    static const struct {
        uint8_t code;
        enum element element;
    } codes[] = {
        {0x08, ELEMENT_U8},  {0x09, ELEMENT_I8},  {0x0B, ELEMENT_I16},
        {0x0C, ELEMENT_I32}, {0x0D, ELEMENT_F32}, {0x0E, ELEMENT_F64},
    };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].code == code) {
            *e = codes[i].element;
            return true;
        }
    }
    return false;
}

/* Big-endian, whatever the host is; not aligned. */
static uint64_t u32_at(const uint8_t *p)
{
    return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 |
           p[3];
}

/* Where the dimensions end the elements begin; that the file has them all is
 * the caller's to check. */
enum plancl_status idx_parse(const struct head *h,
                             const struct plancl_callbacks *cb,
                             struct layout *l)
{
    unsigned rank = h->bytes[3];

    if (!element_of(h->bytes[2], &l->element))
        return fail(cb, PLANCL_REFUSED,
                    "%s: IDX type 0x%02x is none of 08, 09, 0b, 0c, 0d, 0e",
                    h->path, h->bytes[2]);
    if (rank < 1 || rank > MAX_RANK)
        return fail(cb, PLANCL_REFUSED, "%s: IDX rank is %u, wanted 1 to %d",
                    h->path, rank, MAX_RANK);
    l->data = 4 + 4 * (uint64_t)rank;
    if (h->n < l->data)
        return fail(cb, PLANCL_REFUSED,
                    "%s: the file ends inside the IDX dimensions", h->path);
    l->big_endian = true;
    l->rank = rank;
    for (unsigned i = 0; i < rank; i++)
        l->dim[i] = u32_at(h->bytes + 4 + 4 * (size_t)i);
    return PLANCL_OK;
}
