/*
 * op_more_losses.c: losses for quantiles, rare classes, distributions,
 * directions and sets.  Golden numbers are from PyTorch 1.13 in double, or
 * from the formulas.
 */
#include "tests/op_test.h"

#include <stddef.h>

/* [3, 3], a row for each of three samples. */
static const double scores[] = {0, 1, 2, -1, 0.5, -3, 4, -2, 0.25};
static const double truths[] = {0, 1, 1, 1, 0, 0.25, 0, 1, 1};
static const double chances[] = {.5, .25, .25, 0, 1, 0, .2, .3, .5};

/* Errors of one target for the quantiles 1/4, 1/2 and 3/4. */
static const double at_quarters[] = {0, 1, 2, 3, 3, 3, 1, 2, 5};
static const double middle[] = {1, 3, 1};
static const double pinballs[] = {0.25 + 0 + 0.25, 0, 0 + 0.5 + 1};
static const double tenths[] = {0.9 * 1 + 0.1 * 1, 0.1 * 3, 0.1 * 4 + 0.9 * 3};
static const double low[] = {0, 2, 3, 0, 4, -2};
static const double high[] = {1, 1, 3, -3, 0, 1};

static const struct op_case quantile[] = {
    {.in = {BATCH(3), BATCH()},
     .x = {at_quarters, middle},
     .y = pinballs,
     .flat = true,
     .attr = "quantiles=0.25,0.5,0.75"},
    {.in = {BATCH(2), BATCH(2)},
     .x = {low, high},
     .y = tenths,
     .attr = "quantile=0.9",
     .flat = true},
    {.in = {BATCH(2), BATCH(2)}},
    {.in = {BATCH(), BATCH()}, .attr = "quantile=0.1"},
    {.in = {BATCH(5, 7, 2), BATCH(5, 7)}, .attr = "quantiles=0.1,0.9"},
    {.in = {BATCH(2), BATCH(2)},
     .attr = "quantile=1",
     .rejects = "a quantile is 1"},
    {.in = {BATCH(3), BATCH(1)},
     .attr = "quantiles=0.5,0.1",
     .rejects = "wanted a last dimension of 2 quantiles"},
    {.in = {BATCH(2), BATCH(1)},
     .attr = "quantiles=0.5,0.1",
     .rejects = "the target is f32 [3,1], wanted f32 [3]"},
    {.in = {BATCH(2), BATCH()},
     .attr = "quantiles=0.5,0",
     .rejects = "a quantile is 0"},
    {.in = {BATCH(2), BATCH()},
     .attr = "quantiles=0.5",
     .rejects = "wanted one list"},
    {.in = {LABEL(2), LABELS},
     .attr = "quantiles=0.5,0.1",
     .rejects = "the prediction is i32"},
    {.attr = NULL},
};

/* torchvision.ops.sigmoid_focal_loss, summed over each row. */
static const double focals[] = {0.13608050144091666, 0.49591901614738304,
                                3.346300346139577};
static const double unweighted[] = {0.19774841548369404, 1.139109087710762,
                                    5.6353869086436115};
static const double linear[] = {0.1611778225485122, 0.9536031274334179,
                                2.580633501877618};
static const double unfocused[] = {0.6299078100602579, 1.5579902547482245,
                                   3.689329303668811};
static const double between[] = {0.14698976831510369, 0.7068014211287302,
                                 2.917637392454713};
/* Far out what is right costs nothing, and what is wrong its logit. */
static const double far[] = {200, -200, -200, 200, 200, 200};
static const double far_truths[] = {1, 0, 1, 1, 0, 1};
static const double far_focals[] = {0, 100, 100};

static const struct op_case focal[] = {
    {.in = {BATCH(3), BATCH(3)}, .x = {scores, truths}, .y = focals},
    {.in = {BATCH(3), BATCH(3)},
     .x = {scores, truths},
     .y = unweighted,
     .attr = "alpha=-1"},
    {.in = {BATCH(3), BATCH(3)},
     .x = {scores, truths},
     .y = linear,
     .attr = "alpha=0.75 gamma=1"},
    {.in = {BATCH(3), BATCH(3)},
     .x = {scores, truths},
     .y = unfocused,
     .attr = "gamma=0"},
    {.in = {BATCH(3), BATCH(3)},
     .x = {scores, truths},
     .y = between,
     .attr = "alpha=0.5 gamma=1.5"},
    {.in = {BATCH(2), BATCH(2)},
     .x = {far, far_truths},
     .y = far_focals,
     .attr = "alpha=0.5 gamma=0.5",
     .flat = true},
    {.in = {BATCH(4, 5), BATCH(4, 5)}, .low = 0, .high = 1},
    {.in = {BATCH(2), BATCH(2)},
     .attr = "alpha=2",
     .rejects = "\"alpha\" is 2"},
    {.in = {BATCH(2), BATCH(2)},
     .attr = "gamma=-1",
     .rejects = "\"gamma\" is -1"},
    {.in = {BATCH(2), LABEL(2)}, .rejects = "of one type and shape"},
    {.attr = NULL},
};

/* sum of q (log q - p), where q log q is 0 for q = 0. */
static const double divergences[] = {-1.789720770839918, -0.5,
                                     -1.3546530140645736};

static const struct op_case kl_div[] = {
    {.in = {BATCH(3), BATCH(3)},
     .x = {scores, chances},
     .y = divergences,
     .flat = true},
    {.in = {BATCH(4, 5), BATCH(4, 5)}, .low = 0.1, .high = 1},
    {.in = {BATCH(2), BATCH(1)}, .rejects = "of one type and shape"},
    {.attr = NULL},
};

/* 1 - cosine of the angle between two rows. */
static const double angles[] = {0.05131670194948634, 1.5302878133549993,
                                1.2762679632873504};
/* A row of zeros has no direction: its cosine is 0, its loss 1. */
static const double second_nothing[] = {0, 1, 2, 0, 0, 0, 4, -2, 0.25};
static const double one_right[] = {0.05131670194948634, 1, 1.2762679632873504};

static const struct op_case cosine[] = {
    {.in = {BATCH(3), BATCH(3)}, .x = {scores, truths}, .y = angles},
    {.in = {BATCH(3), BATCH(3)},
     .x = {second_nothing, truths},
     .y = one_right,
     .flat = true},
    {.in = {BATCH(4, 17), BATCH(4, 17)}},
    {.in = {BATCH(2, 3, 5), BATCH(2, 3, 5)}, .attr = "epsilon=0.001"},
    {.in = {BATCH(), BATCH()}, .rejects = "wanted [N, ..., numbers]"},
    {.in = {BATCH(2), BATCH(2)},
     .attr = "epsilon=0",
     .rejects = "\"epsilon\" is 0"},
    {.in = {BATCH(2), LABEL(2)}, .rejects = "of one type and shape"},
    {.attr = NULL},
};

/* 1 - (2 sum(p q) + smooth) / (sum p + sum q + smooth). */
static const double overlaps[] = {0.5, 0.6923076923076923, 0.35};
static const double sharper[] = {0.5714285714285714, 0.8181818181818181, 0.4};
static const double of_logits[] = {0.17374206218910815, 0.5102914135503438,
                                   0.4933391335612256};

static const struct op_case dice[] = {
    {.in = {BATCH(3), BATCH(3)}, .x = {chances, truths}, .y = overlaps},
    {.in = {BATCH(3), BATCH(3)},
     .x = {chances, truths},
     .y = sharper,
     .attr = "smooth=0.5"},
    {.in = {BATCH(3), BATCH(3)},
     .x = {scores, truths},
     .y = of_logits,
     .attr = "from_logits=true"},
    {.in = {BATCH(1, 4, 5), BATCH(1, 4, 5)}, .low = 0, .high = 1},
    {.in = {BATCH(), BATCH()}, .low = 0, .high = 1},
    {.in = {BATCH(2), BATCH(2)},
     .attr = "smooth=0",
     .rejects = "\"smooth\" is 0"},
    {.in = {BATCH(2), LABEL(2)}, .rejects = "of one type and shape"},
    {.attr = NULL},
};

/* The label has 1 - share, and all classes have share / C more. */
static const double labels[] = {2, 0, 1};
static const double smoothed[] = {0.5076059644443804, 1.7424687158982661,
                                  5.75066433351924};
static const double one_ignored[] = {2, 77, 1};
static const double one_less[] = {0.5076059644443804, 0, 5.75066433351924};
/* Targets that are probabilities. */
static const double spread[] = {1.6576059644443806, 0.2258020492315995,
                                3.7006643335192395};
static const double smooth_spread[] = {1.6076059644443808, 0.5591353825649328,
                                       3.6156643335192395};
/* Two positions, as [3, 3, 2] and with the classes last. */
static const double two[] = {0,   2,  1,  1, 2,    0,  -1, -3,   0.5,
                             0.5, -3, -1, 4, 0.25, -2, -2, 0.25, 4};
static const double two_last[] = {0,  1,   2,  2, 1,  0,    -1,   0.5, -3,
                                  -3, 0.5, -1, 4, -2, 0.25, 0.25, -2,  4};
static const double two_labels[] = {2, 1, 0, 0, 1, 2};
static const double two_smoothed[] = {2.115211928888761, 4.951604098463198,
                                      6.201328667038478};
static const double two_chances[] = {.5, .2, .25, .3, .25, .5, 0,   0,  1,
                                     1,  0,  0,   .2, .5,  .3, .25, .5, .25};
static const double two_spread[] = {3.365211928888761, 0.451604098463199,
                                    7.101328667038479};

static const struct op_case soft_labels[] = {
    {.in = {BATCH(3), LABELS},
     .x = {scores, labels},
     .y = smoothed,
     .attr = "label_smoothing=0.1"},
    {.in = {BATCH(3), LABELS},
     .x = {scores, one_ignored},
     .y = one_less,
     .attr = "label_smoothing=0.1 ignore_index=77"},
    {.in = {BATCH(3, 2), LABEL(2)},
     .x = {two, two_labels},
     .y = two_smoothed,
     .attr = "label_smoothing=0.3"},
    {.in = {BATCH(2, 3), LABEL(2)},
     .x = {two_last, two_labels},
     .y = two_smoothed,
     .attr = "label_smoothing=0.3 axis=-1"},
    {.in = {BATCH(4, 5, 17), LABEL(4, 5)},
     .classes = 17,
     .attr = "axis=-1 ignore_index=3 label_smoothing=0.2"},
    {.in = {BATCH(5, 7), {DT_U8, DIMS(OP_BATCH, 7), 1}},
     .classes = 5,
     .attr = "ignore_index=300 label_smoothing=1"},
    {.in = {BATCH(5, 7), {DT_I64, DIMS(OP_BATCH, 7), 1}},
     .classes = 5,
     .attr = "ignore_index=2 label_smoothing=0.5"},
    {.in = {HALVES(3), LABELS},
     .x = {scores, labels},
     .y = smoothed,
     .attr = "label_smoothing=0.1"},
    {.in = {HALVES(5), LABELS}, .classes = 5, .attr = "label_smoothing=0.5"},
    {.in = {HALVES(17, 3), LABEL(3)},
     .classes = 17,
     .attr = "label_smoothing=0.1 ignore_index=2"},
    {.in = {HALVES(3, 17), LABEL(3)},
     .classes = 17,
     .attr = "label_smoothing=1 axis=2"},
    {.in = {BATCH(3), BATCH(3)}, .x = {scores, chances}, .y = spread},
    {.in = {BATCH(3), BATCH(3)},
     .x = {scores, chances},
     .y = smooth_spread,
     .attr = "label_smoothing=0.2"},
    {.in = {BATCH(3, 2), BATCH(3, 2)},
     .x = {two, two_chances},
     .y = two_spread},
    {.in = {BATCH(4, 5, 17), BATCH(4, 5, 17)}, .attr = "axis=-1"},
    {.in = {BATCH(1), BATCH(1)}, .attr = "label_smoothing=0.5"},
    {.in = {BATCH(3), LABELS},
     .attr = "label_smoothing=1.5",
     .rejects = "\"label_smoothing\" is 1.5"},
    {.in = {BATCH(3), BATCH(2)}, .rejects = "of one type and shape"},
    {.in = {BATCH(3), BATCH(3)},
     .attr = "ignore_index=1",
     .rejects = "the target has probabilities"},
    {.in = {BATCH(3, 4, 5), BATCH(3, 4, 5)},
     .attr = "axis=2",
     .rejects = "wanted 1 or the last"},
    {.attr = NULL},
};

int main(void)
{
    static const struct {
        const char *op;
        const struct op_case *cases;
    } tests[] = {
        {"Quantile", quantile}, {"Focal", focal},
        {"KLDiv", kl_div},      {"CosineSimilarity", cosine},
        {"Dice", dice},         {"CrossEntropy", soft_labels},
    };
    int worst = 0;

    for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = op_test(tests[i].op, tests[i].cases);

        if (worst != 1 && status)
            worst = status;
    }
    return worst;
}
