/*
 * op_einsum.c: Einsum; golden numbers from NumPy's einsum.
 */
#include <stddef.h>

#include "tests/op_test.h"

static const double a[] = {1, -2, 3, 0, 2, -1};
static const double b[] = {2, 1, -1, 0, 3, -2};
static const double c[] = {1, 2, 3, 4, 5, 6};
static const double x[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const double y[] = {1, -1, 2, 0, 3, 1, -2, 1};
static const double m[] = {1, 2, 3, 4};
static const double v[] = {1, -1};

static const double turned[] = {13, -5, -5, 2};
static const double rows[] = {6, 4};
static const double inner[] = {10};
static const double total[] = {3};
static const double transposed[] = {1, 0, -2, 2, 3, -1};
static const double batch[] = {-1, 2, -1, 6, 21, -4, 29, -6};
static const double heads[] = {5, -1, 1, 7, 17, -5, 5, 15};
static const double outer[] = {1, 3, 2, 4, -1, -3, -2, -4};
static const double implied[] = {7, 10, 15, 22, 23, 34, 31, 46};
static const double dotted[] = {5, -1, 11, -3, 3, 11, 5, 15};
static const double middle[] = {5, 11, 17, 39, 11, 25, 23, 53};

#define EQUATION(text) .attr = "equation=" text

static const struct op_case cases[] = {
    {.in = {F32(2, 3)}, EQUATION("ij->ji"), .x = {a}, .y = transposed},
    {.in = {F32(2, 3)}, EQUATION("ij->"), .x = {a}, .y = total},
    {.in = {F32(2, 3), F32(3, 2)},
     EQUATION("ij,jk->ki"),
     .x = {a, b},
     .y = turned},
    {.in = {F32(2, 3), F32(2, 3)},
     EQUATION("ij,ij->i"),
     .x = {a, c},
     .y = rows},
    {.in = {F32(2, 3), F32(2, 3)}, EQUATION("ij,ij"), .x = {a, c}, .y = inner},
    {.in = {F32(2, 2, 2), F32(2, 2, 2)},
     EQUATION("bij,bkj->bik"),
     .x = {x, y},
     .y = batch},
    {.in = {F32(2, 2, 2), F32(2, 2, 2)},
     EQUATION("bhi,hij->bhj"),
     .x = {x, y},
     .y = heads},
    {.in = {F32(2, 2), F32(2)}, EQUATION("ij,k->kji"), .x = {m, v}, .y = outer},
    {.in = {F32(2, 2, 2), F32(2, 2)},
     EQUATION("abc,cd"),
     .x = {x, m},
     .y = implied},
    {.in = {F32(2, 2, 2), F32(2, 2, 2)},
     EQUATION("...ij,...jk"),
     .x = {x, y},
     .y = dotted},
    {.in = {F32(2, 2, 2), F32(2, 2)},
     EQUATION("ibj,kj->bik"),
     .x = {x, m},
     .y = middle},
    /* Samples in front, in the rows, in both operands, in the second alone. */
    {.in = {BATCH(5, 7)}, EQUATION("nij->nj")},
    {.in = {BATCH(5, 7), F32(7, 3)}, EQUATION("nij,jk->nik")},
    {.in = {BATCH(5, 7), F32(7, 3)}, EQUATION("nij,jk->kin")},
    {.in = {BATCH(5, 7), BATCH(7, 3)}, EQUATION("nij,njk->nki")},
    {.in = {BATCH(2, 5, 7), BATCH(4, 2, 7)}, EQUATION("nhqd,nkhd->nhqk")},
    {.in = {BATCH(2, 5), F32(2, 5, 3)}, EQUATION("nhd,hde->nhe")},
    {.in = {F32(2, 5, 3), BATCH(2, 5)}, EQUATION("hde,nhd->nhe")},
    {.in = {F32(3, 7), BATCH(7)}, EQUATION("kj,nj->nk")},
    {.in = {BATCH(5, 7), BATCH(7)}, EQUATION("nij,nj->ni")},
    {.in = {BATCH(5), BATCH(7)}, EQUATION("ni,nj->nij")},
    {.in = {BATCH(5, 2), BATCH(2, 5)},
     EQUATION("n...,n...->n..."),
     .rejects = "the operands' sizes differ"},
    {.in = {BATCH(5, 2), BATCH(5, 2)}, EQUATION("n...,n...->n...")},
    {.in = {F32(1), F32(1)}, EQUATION("i,i->")},
    {.in = {F32(17), F32(1)}, EQUATION("i,j->ij")},
    {.in = {F32(2, 3, 5), F32(5, 3, 4)}, EQUATION("abc,cbd->ad")},
    {.in = {F32(3, 2, 2)},
     EQUATION("...ii->...i"),
     .rejects = "a letter twice"},
    {.in = {BATCH(4)}, EQUATION("ni->i"), .rejects = "over the samples"},
    {.in = {BATCH(4), F32(3, 2)},
     EQUATION("ni,nj->ij"),
     .rejects = "over the samples"},
    {.in = {BATCH(4), BATCH(5)},
     EQUATION("ni,mj->nmij"),
     .rejects = "samples have two letters"},
    {.in = {F32(2, 3), F32(2, 3)},
     EQUATION("ij,jk->ik"),
     .rejects = "sizes differ"},
    {.in = {F32(2, 3)}, EQUATION("ijk->i"), .rejects = "has fewer dimensions"},
    {.in = {F32(2, 3)}, EQUATION("i->i"), .rejects = "has more dimensions"},
    {.in = {F32(2, 3)}, EQUATION("ij,jk->ik"), .rejects = "more terms than"},
    {.in = {F32(2), F32(2)}, EQUATION("i->i"), .rejects = "fewer terms than"},
    {.in = {F32(2, 3)}, EQUATION("ij->ik"), .rejects = "what no operand has"},
    {.in = {F32(2, 3)}, EQUATION("i+j->i"), .rejects = "wanted letters"},
    {.in = {F32(2, 3)}, EQUATION("ij->i->j"), .rejects = "behind the result"},
    {.in = {I32(2, 3)}, EQUATION("ij->i"), .rejects = "are not floats"},
    {.attr = NULL},
};

int main(void)
{
    return op_test("Einsum", cases);
}
