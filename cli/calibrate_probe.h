/* calibrate_probe.h: small networks that a device is measured with. */
#ifndef CLI_CALIBRATE_PROBE_H
#define CLI_CALIBRATE_PROBE_H

/* One model, and how its plan ran. */
struct probe {
    const char *name; /* the file, where text is null */
    const char *text;
    double measured, predicted; /* seconds of a step */
    unsigned entries;           /* of that step */
};

/* Traffic alone: one pointwise kernel over more than any cache holds. */
extern const struct probe probe_memory;
/* Small kernels alone: what a launch costs. */
extern const struct probe probe_launches;
/* The kernels of the field's usual networks; ends with a null name. */
extern const struct probe probe_networks[];

#endif
