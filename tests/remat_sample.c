/* remat_sample.c: see remat_sample.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#undef fail /* base.h has a function of this name */

#include <stdlib.h>

#include "compiler/remat_search.h"
#include "tests/remat_sample.h"

int draw(uint64_t *random, int below)
{
    return (int)(remat_random(random) % (uint64_t)below);
}

/* A result of an earlier op, near or far, that the op does not read yet. */
static void draw_input(uint64_t *random, struct sample *s, struct remat_op *op,
                       int *in)
{
    int n = s->job.nvalue, v;

    if (!n)
        return;
    v = draw(random, 2) ? n - 1 - draw(random, n < 4 ? n : 4) : draw(random, n);
    for (int k = 0; k < op->nin; k++)
        if (in[k] == v)
            return;
    in[op->nin++] = v;
}

void draw_job(uint64_t *random, struct sample *s, int nop, bool over)
{
    s->job = (struct remat_job){.nop = nop, .op = s->op, .value = s->value};
    for (int i = 0; i < nop; i++) {
        int nin = draw(random, 4), nout = 1 + !draw(random, 4);

        s->op[i] = (struct remat_op){
            .cost = 1 + draw(random, 100), .until = nop - 1, .in = s->in[i]};
        if (!draw(random, 8))
            s->op[i].until = i + draw(random, nop - i);
        if (!draw(random, 5))
            s->op[i].workspace = (uint64_t)draw(random, 50);
        for (int k = 0; k < nin; k++)
            draw_input(random, s, &s->op[i], s->in[i]);
        if (over && s->op[i].nin && draw(random, 2))
            s->op[i].over = 1 + s->in[i][0];
        for (int k = 0; k < nout; k++)
            s->value[s->job.nvalue++] = (struct remat_value){
                .bytes = (uint64_t)draw(random, 100),
                .maker = i,
                .kept = !draw(random, 12)};
    }
}

/* Whether a copy that is there after a place is read before it is made anew. */
static bool wanted_after(const struct remat_job *job, const int *order, int n,
                         int place, int value)
{
    if (job->value[value].kept)
        return true;
    for (int p = place + 1; p < n; p++) {
        const struct remat_op *op = &job->op[order[p]];

        for (int k = 0; k < op->nin; k++)
            if (op->in[k] == value)
                return true;
        if (job->value[value].maker == order[p])
            return false;
    }
    return false;
}

static uint64_t present_bytes(const struct remat_job *job, const bool *present)
{
    uint64_t sum = 0;

    for (int v = 0; v < job->nvalue; v++)
        sum += present[v] ? job->value[v].bytes : 0;
    return sum;
}

uint64_t simulate(const struct remat_job *job, const int *order, int n)
{
    bool present[VALUES] = {false};
    uint64_t peak = 0;

    for (int p = 0; p < n; p++) {
        const struct remat_op *op = &job->op[order[p]];
        uint64_t during;

        for (int k = 0; k < op->nin; k++)
            assert_true(present[op->in[k]]);
        for (int v = 0; v < job->nvalue; v++)
            if (job->value[v].maker == order[p])
                present[v] = true;
        during = present_bytes(job, present) + op->workspace;
        if (op->over && !wanted_after(job, order, n, p, op->over - 1))
            during -= job->value[op->over - 1].bytes;
        peak = during > peak ? during : peak;
        for (int v = 0; v < job->nvalue; v++)
            present[v] = present[v] && wanted_after(job, order, n, p, v);
    }
    return peak;
}

void with_arena(void (*body)(struct arena *))
{
    struct arena arena;
    jmp_buf out_of_memory;

    arena_open(&arena, &out_of_memory);
    if (setjmp(out_of_memory))
        abort();
    body(&arena);
    arena_close(&arena);
}
