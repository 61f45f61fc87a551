/*
 * op_loss_weights.c: losses whose samples, positions or classes have weights:
 * sums of weighted terms and of weights.  Golden numbers are from PyTorch 1.13
 * in double (torchvision's formula for Focal, the definition for Dice and
 * Quantile).
 */
#include "tests/op_test.h"

#include <stddef.h>

/* [3, 3], a row for each of three samples. */
static const double scores[] = {0, 1, 2, -1, 0.5, -3, 4, -2, 0.25};
static const double truths[] = {0, 1, 1, 1, 0, 0.25, 0, 1, 1};
static const double chances[] = {.5, .25, .25, 0, 1, 0, .2, .3, .5};
static const double low[] = {0, 2, 3, 0, 4, -2};
static const double high[] = {1, 1, 3, -3, 0, 1};

/* Weights of samples; times 3 and 2 they are what is counted where a sample has
 * that many elements. */
static const double each_sample[] = {0.5, 2, 0.25};
static const double thrice[] = {1.5, 6, 0.75};
static const double twice[] = {1, 4, 0.5};
/* A weight for each element, and its sums by sample. */
static const double each[] = {1, .5, 0, 2, .25, 3, 1, 1.5, 4};
static const double each_sums[] = {1.5, 5.25, 6.5};

static const double squares[] = {0, 39.75, 31.75};

static const struct op_case mse[] = {
    {.in = {BATCH(3), BATCH(3), BATCH(3)},
     .x = {scores, truths, each},
     .y = squares,
     .counts = each_sums},
    {.in = {BATCH(), BATCH(), BATCH()}},
    {.in = {BATCH(4, 3, 5), BATCH(4, 3, 5), BATCH(1, 3)}},
    {.in = {BATCH(4, 17), BATCH(4, 17), BATCH(4)}},
    /* Weights have the first dimensions of what they weigh; they do not
     * broadcast otherwise. */
    {.in = {BATCH(3), BATCH(3), BATCH(2)},
     .rejects = "the weights are f32 [3,2], wanted f32 [3,3], or its first"},
    {.in = {BATCH(3), BATCH(3), BATCH(3, 1)}, .rejects = "f32 [3,3,1]"},
    {.in = {BATCH(3), BATCH(3), LABELS}, .rejects = "the weights are i32"},
    {.in = {BATCH(3), BATCH(3), SCALAR}, .rejects = "the weights are f32 []"},
    {.in = {BATCH(3), BATCH(3), F32(3)}, .rejects = "does not count the 3"},
    {.attr = NULL},
};

static const double distances[] = {0.5, 11.5, 1.9375};

static const struct op_case mae[] = {
    {.in = {BATCH(3), BATCH(3), BATCH()},
     .x = {scores, truths, each_sample},
     .y = distances,
     .counts = thrice,
     .flat = true},
    {.attr = NULL},
};

static const double hubers[] = {0, 6.28125, 4.9375};

static const struct op_case huber[] = {
    {.in = {BATCH(3), BATCH(3), BATCH(3)},
     .x = {scores, truths, each},
     .y = hubers,
     .counts = each_sums,
     .attr = "delta=0.5",
     .flat = true},
    {.attr = NULL},
};

static const double bces[] = {1.1630397118372797, 15.091732453236204,
                              20.50059901615731};

static const struct op_case bce[] = {
    {.in = {BATCH(3), BATCH(3), BATCH(3)},
     .x = {scores, truths, each},
     .y = bces,
     .counts = each_sums,
     .attr = "pos_weight=3"},
    {.attr = NULL},
};

static const double pinballs[] = {0.5, 0.6, 0.775};

static const struct op_case quantile[] = {
    {.in = {BATCH(2), BATCH(2), BATCH()},
     .x = {low, high, each_sample},
     .y = pinballs,
     .counts = twice,
     .attr = "quantile=0.9",
     .flat = true},
    {.in = {BATCH(5, 2), BATCH(5), BATCH(5)}, .attr = "quantiles=0.1,0.9"},
    {.attr = NULL},
};

static const double focals[] = {0.06804025072045833, 0.9918380322947661,
                                0.8365750865348942};

static const struct op_case focal[] = {
    {.in = {BATCH(3), BATCH(3), BATCH()},
     .x = {scores, truths, each_sample},
     .y = focals,
     .counts = thrice},
    {.attr = NULL},
};

static const double divergences[] = {-0.894860385419959, -1,
                                     -0.3386632535161434};

static const struct op_case kl_div[] = {
    {.in = {BATCH(3), BATCH(3), BATCH()},
     .x = {scores, chances, each_sample},
     .y = divergences,
     .counts = each_sample,
     .flat = true},
    {.in = {BATCH(3), BATCH(3), BATCH(3)}, .rejects = "wanted f32 [3]"},
    {.attr = NULL},
};

static const double angles[] = {0.02565835097474317, 3.0605756267099986,
                                0.3190669908218376};

static const struct op_case cosine[] = {
    {.in = {BATCH(3), BATCH(3), BATCH()},
     .x = {scores, truths, each_sample},
     .y = angles,
     .counts = each_sample},
    {.in = {BATCH(2, 5), BATCH(2, 5), BATCH(2)}},
    {.attr = NULL},
};

static const double overlaps[] = {0.25, 1.3846153846153846, 0.0875};

static const struct op_case dice[] = {
    {.in = {BATCH(3), BATCH(3), BATCH()},
     .x = {chances, truths, each_sample},
     .y = overlaps,
     .counts = each_sample},
    {.attr = NULL},
};

/* The classes weigh 0.5, 2 and 3. */
static const double labels[] = {2, 0, 1};
/* Label 7 is no class, and is what ignore_index leaves out. */
static const double second_ignored[] = {2, 7, 1};
static const double classes[] = {1.2228178933331413, 0.8629010246157998,
                                 12.05132866703848};
static const double class_counts[] = {3, 0.5, 2};
static const double less[] = {1.2228178933331413, 0, 12.05132866703848};
static const double less_counts[] = {3, 0, 2};
static const double smooth_less[] = {1.3277098349627858, 0, 11.200473189254506};
static const double both[] = {0.6114089466665706, 1.7258020492315995,
                              3.01283216675962};
static const double both_counts[] = {1.5, 1, 0.5};
static const double samples[] = {0.2038029822221902, 3.451604098463199,
                                 1.50641608337981};
static const double spread[] = {1.6114089466665709, 0.451604098463199,
                                9.281461533742327};
static const double smooth_spread[] = {0.8192913388147647, 2.388154726977625,
                                       2.246144870654396};

/* Two positions, as [3, 3, 2] and with the classes last. */
static const double two[] = {0,   2,  1,  1, 2,    0,  -1, -3,   0.5,
                             0.5, -3, -1, 4, 0.25, -2, -2, 0.25, 4};
static const double two_last[] = {0,  1,   2,  2, 1,  0,    -1,   0.5, -3,
                                  -3, 0.5, -1, 4, -2, 0.25, 0.25, -2,  4};
static const double two_labels[] = {2, 1, 0, 0, 1, 2};
static const double positions[] = {1, 0.5, 2, 0, 0.25, 3};
static const double two_sums[] = {2.877571621110879, 3.7064436886168783,
                                  7.060292814068583};
static const double two_counts[] = {4, 1, 9.5};
static const double two_less[] = {2.877571621110879, 0, 7.060292814068583};
static const double two_less_counts[] = {4, 0, 9.5};
static const double two_samples[] = {0.9076059644443804, 0, 1.5128321667596198};
static const double two_samples_counts[] = {1, 0, 0.5};
static const double two_chances[] = {.5, .2, .25, .3, .25, .5, 0,   0,  1,
                                     1,  0,  0,   .2, .5,  .3, .25, .5, .25};
static const double two_spread[] = {3.8597755075553897, 0.903208196926398,
                                    14.24835488427216};
static const double position_sums[] = {1.5, 2, 3.25};

static const struct op_case cross_entropy[] = {
    {.in = {BATCH(3), LABELS},
     .x = {scores, labels},
     .y = classes,
     .counts = class_counts,
     .attr = "class_weights=0.5,2,3"},
    {.in = {BATCH(3), LABELS},
     .x = {scores, second_ignored},
     .y = less,
     .counts = less_counts,
     .attr = "class_weights=0.5,2,3 ignore_index=7"},
    {.in = {BATCH(3), LABELS},
     .x = {scores, second_ignored},
     .y = smooth_less,
     .counts = less_counts,
     .attr = "class_weights=0.5,2,3 ignore_index=7 label_smoothing=0.2"},
    {.in = {BATCH(3), LABELS, BATCH()},
     .x = {scores, labels, each_sample},
     .y = both,
     .counts = both_counts,
     .attr = "class_weights=0.5,2,3"},
    {.in = {BATCH(3), LABELS, BATCH()},
     .x = {scores, labels, each_sample},
     .y = samples,
     .counts = each_sample},
    {.in = {BATCH(3, 2), LABEL(2), BATCH(2)},
     .x = {two, two_labels, positions},
     .y = two_sums,
     .counts = two_counts,
     .attr = "class_weights=0.5,2,3 label_smoothing=0.3"},
    {.in = {BATCH(2, 3), LABEL(2), BATCH(2)},
     .x = {two_last, two_labels, positions},
     .y = two_less,
     .counts = two_less_counts,
     .attr = "class_weights=0.5,2,3 label_smoothing=0.3 ignore_index=0 axis=2"},
    {.in = {BATCH(3, 2), LABEL(2), BATCH()},
     .x = {two, two_labels, each_sample},
     .y = two_samples,
     .counts = two_samples_counts,
     .attr = "ignore_index=0"},
    {.in = {BATCH(3), BATCH(3)},
     .x = {scores, chances},
     .y = spread,
     .attr = "class_weights=0.5,2,3"},
    {.in = {BATCH(3), BATCH(3), BATCH()},
     .x = {scores, chances, each_sample},
     .y = smooth_spread,
     .counts = each_sample,
     .attr = "class_weights=0.5,2,3 label_smoothing=0.2"},
    {.in = {BATCH(3, 2), BATCH(3, 2), BATCH(2)},
     .x = {two, two_chances, positions},
     .y = two_spread,
     .counts = position_sums,
     .attr = "class_weights=0.5,2,3"},
    {.in = {BATCH(3, 4, 5), {DT_U8, DIMS(OP_BATCH, 4, 5), 1}, BATCH(1, 5)},
     .attr = "class_weights=1,0,2 ignore_index=300"},
    {.in = {BATCH(4, 5, 3), {DT_I64, DIMS(OP_BATCH, 4, 5), 1}, BATCH(4)},
     .attr = "class_weights=1,0,2 ignore_index=1 axis=-1"},
    {.in = {BATCH(3, 4, 5), BATCH(3, 4, 5), BATCH(4)}},
    {.in = {BATCH(4, 5, 3), BATCH(4, 5, 3), BATCH(4, 5)},
     .attr = "axis=-1 class_weights=1,0,2"},
    {.in = {BATCH(1), LABELS, BATCH()},
     .classes = 1,
     .attr = "label_smoothing=0.5"},
    {.in = {HALVES(3), LABELS, BATCH()},
     .x = {scores, labels, each_sample},
     .y = both,
     .counts = both_counts,
     .attr = "class_weights=0.5,2,3"},
    {.in = {HALVES(3, 17), LABEL(17), BATCH(17)},
     .attr = "class_weights=0.5,2,3 label_smoothing=0.25 ignore_index=1"},
    {.in = {BATCH(3), LABELS},
     .attr = "class_weights=1,2",
     .rejects = "class_weights are [2], wanted a list of 3"},
    {.in = {BATCH(3), LABELS},
     .attr = "class_weights=1,2,-1",
     .rejects = "class_weights has -1 for class 2"},
    {.in = {BATCH(3), BATCH(3)},
     .attr = "class_weights=1,2",
     .rejects = "wanted a list of 3"},
    {.in = {BATCH(3, 2), LABEL(2), BATCH(3)},
     .rejects = "the weights are f32 [3,3], wanted f32 [3,2]"},
    {.in = {BATCH(3, 2), LABEL(3), BATCH()}, .rejects = "wanted labels [3,2]"},
    {.attr = NULL},
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"MSE", mse},      {"MAE", mae},
        {"Huber", huber},  {"BCEWithLogits", bce},
        {"Focal", focal},  {"Quantile", quantile},
        {"KLDiv", kl_div}, {"CosineSimilarity", cosine},
        {"Dice", dice},    {"CrossEntropy", cross_entropy},
    };
    int worst = 0;

    for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (worst != 1 && status)
            worst = status;
    }
    return worst;
}
