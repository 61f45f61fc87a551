/*
 * plan_draw.c: device memory as SVG, a rectangle for each buffer: entries of
 * the sequence with the peak to the right, offsets upwards, slab over slab.
 *
 * A rectangle's title, which a browser shows under the pointer, says all that
 * is known of its buffer.
 */
#include <inttypes.h>

#include "runtime/plan_live.h"

static const double width = 1200, height = 800, gap = 8, margin = 20;

static const char *const colour[PLAN_KINDS] = {
    [PLAN_CONSTANT] = "#9e9e9e",  [PLAN_PARAMETER] = "#5b8def",
    [PLAN_STATE] = "#7e6fd6",     [PLAN_ACCUMULATOR] = "#b76fd6",
    [PLAN_METRIC] = "#c9a227",    [PLAN_INPUT] = "#4fb286",
    [PLAN_OUTPUT] = "#2f8f83",    [PLAN_OBSERVED] = "#d67fb0",
    [PLAN_TRANSIENT] = "#f2a65a", [PLAN_WORKSPACE] = "#d1495b",
};

/* per_entry and per_byte are units of the picture. */
struct drawing {
    const struct plan *p;
    struct text *t;
    uint32_t sequence;
    double per_entry, per_byte;
    double bottom; /* of the slab at hand */
};

/* XML has no place for control characters, escaped or not. */
static void put_escaped(struct text *t, const char *s)
{
    for (; *s; s++)
        if (*s == '<')
            text_add(t, "&lt;");
        else if (*s == '&')
            text_add(t, "&amp;");
        else if ((unsigned char)*s < ' ')
            text_add(t, " ");
        else
            text_bytes(t, s, 1);
}

/* A persistent buffer is as wide as the whole sequence: it lives always. */
static void draw_buffer(const struct drawing *d, const struct plan_buffer *b)
{
    const struct plan_sequence *q = d->p->sequence + d->sequence;
    bool shared = plan_kind_shared(b->kind);
    uint32_t first = shared ? b->first : 0;
    uint32_t end = shared ? b->last + 1 : q->count;
    double high = (double)b->bytes * d->per_byte;

    text_add(d->t,
             "<rect x=\"%.2f\" y=\"%.3f\" width=\"%.2f\" height=\"%.3f\" "
             "fill=\"%s\"><title>",
             margin + first * d->per_entry,
             d->bottom - (double)b->offset * d->per_byte - high,
             (end - first) * d->per_entry, high, colour[b->kind]);
    put_escaped(d->t, plan_string(d->p, b->name));
    text_add(d->t,
             ": %s, %" PRIu64 " bytes, slab %" PRIu32 " at %" PRIu64
             ", entries %" PRIu32 " to %" PRIu32 "</title></rect>\n",
             plan_kind_name(b->kind), b->bytes, b->slab, b->offset, first,
             end ? end - 1 : 0);
}

static void draw_slab(const struct drawing *d, uint32_t slab)
{
    const struct plan *p = d->p;
    double high = (double)p->slab_bytes[slab] * d->per_byte;

    text_add(d->t,
             "<rect x=\"%.2f\" y=\"%.3f\" width=\"%.2f\" height=\"%.3f\" "
             "fill=\"#eeeeee\"><title>slab %" PRIu32 ", %" PRIu64
             " bytes</title></rect>\n",
             margin, d->bottom - high, width, high, slab, p->slab_bytes[slab]);
    for (uint32_t i = 0; i < p->nbuffer; i++) {
        const struct plan_buffer *b = p->buffer + i;

        if (b->slab == slab &&
            (!plan_kind_shared(b->kind) || b->sequence == d->sequence))
            draw_buffer(d, b);
    }
}

static void draw_peak(const struct drawing *d, const struct plan_peak *peak,
                      double high)
{
    double x = margin + (peak->entry + 0.5) * d->per_entry;

    if (peak->bytes)
        text_add(d->t,
                 "<path d=\"M%.2f %.2fV%.2f\" stroke=\"#000000\"><title>peak: "
                 "%s entry %" PRIu32 ", %" PRIu64 " bytes</title></path>\n",
                 x, margin, margin + high, plan_sequence_name(peak->sequence),
                 peak->entry, peak->bytes);
}

void plan_draw_memory(const struct plan *p, struct text *t)
{
    struct plan_live live = plan_live_of(p, t->arena);
    uint32_t count = p->sequence[live.peak.sequence].count;
    double high = height + gap * (p->nslab ? p->nslab - 1 : 0);
    struct drawing d = {
        .p = p,
        .t = t,
        .sequence = live.peak.sequence,
        .per_entry = width / (count ? count : 1),
        .per_byte = height / (p->device_bytes ? (double)p->device_bytes : 1),
        .bottom = margin + high,
    };

    text_add(
        t,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
        "height=\"%.0f\" stroke=\"#ffffff\" stroke-width=\"0.2\">\n<title>",
        width + 2 * margin, high + 2 * margin);
    put_escaped(t, plan_string(p, p->name));
    text_add(t, ": device memory during %s</title>\n",
             plan_sequence_name(live.peak.sequence));
    for (uint32_t s = 0; s < p->nslab; s++) {
        draw_slab(&d, s);
        d.bottom -= (double)p->slab_bytes[s] * d.per_byte + gap;
    }
    draw_peak(&d, &live.peak, high);
    text_add(t, "</svg>\n");
}
