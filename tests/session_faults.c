/*
 * session_faults.c: every OpenCL call of a run fails once.
 *
 * The program runs itself as a child under the layer in tests/layer/, which
 * makes the k-th call fail, for k = 1, 2, ... until a run meets no failure.
 * Each failed run must end with a message and a status of its own, not by a
 * signal, and must have released whatever it created.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/session_plan.h"

enum { MOST_CALLS = 2000 };

static const char log_path[] = "session_faults.tmp.json";
static const char weights[] = "session_faults.tmp.safetensors";

/* ---- the child: a short training ---- */

static void on_message(void *context, const struct plancl_message *m)
{
    if (m->severity == PLANCL_ERROR)
        ++*(int *)context;
}

/* Everything that a session can do, once, ending with the first failure. */
static enum plancl_status train(struct plancl_session *s)
{
    static const float x[PLAN_N * PLAN_ROW];
    struct plancl_batch b = {PLAN_N, 0, PLAN_N};
    struct plancl_meter m;
    float y[PLAN_N * PLAN_ROW];
    char hex[65];
    enum plancl_status status = plancl_write(s, "x", x, sizeof x);

    if (!status)
        status = plancl_step(s, &b);
    if (!status)
        status = plancl_evaluate(s, PLAN_N);
    if (!status)
        status = plancl_meter_read(s, 0, &m);
    if (!status)
        status = plancl_meters_clear(s, 0);
    if (!status)
        status = plancl_predict(s, PLAN_N);
    if (!status)
        status = plancl_read(s, "y", y, sizeof y);
    if (!status)
        status = plancl_weights_save(s, weights);
    if (!status)
        status = plancl_weights_load(s, weights);
    if (!status)
        status = plancl_weights_hash(s, hex);
    return status ? status : plancl_finish(s);
}

/* Ends with the run's status; 100 if a failure came without a message, or a
 * message without a failure. */
static int child(int profile)
{
    int errors = 0;
    struct plancl_callbacks cb = {&errors, on_message, NULL};
    struct plancl_session_options o = {.profile = profile};
    struct plancl_plan *plan = session_plan(&cb);
    struct plancl_session *s = NULL;
    enum plancl_status status;

    if (!plan)
        return 100;
    status = plancl_session_open(plan, &o, &cb, &s);
    if (!status)
        status = train(s);
    plancl_session_close(s);
    plancl_plan_free(plan);
    return (status != PLANCL_OK) == (errors == 1) ? (int)status : 100;
}

/* ---- the parent ---- */

static void set_number(const char *variable, int number)
{
    char text[16];

    snprintf(text, sizeof text, "%d", number);
    setenv(variable, text, 1);
}

/* The exit status of the child, or -1 when a signal ended it. */
static int run_child(const char *self, const char *mode, int fail_at)
{
    int status;
    pid_t pid;

    set_number("PLANCL_LAYER_FAIL", fail_at);
    unlink(log_path);
    pid = fork();
    if (!pid) {
        execl(self, self, mode, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

/* -1 where the log lacks the key, which no comparison takes for good. */
static long number_in(const char *log, const char *key)
{
    char quoted[64];
    const char *at;

    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    at = strstr(log, quoted);
    return at ? strtol(at + strlen(quoted), NULL, 10) : -1;
}

/* Null, or what the layer's log says is wrong. */
static const char *judge_log(const char *log)
{
    static const char *const object[] = {"buffer",  "context", "queue",
                                         "program", "kernel",  "event"};

    for (int i = 0; i < 6; i++) {
        char created[32], released[32];

        snprintf(created, sizeof created, "%s_created", object[i]);
        snprintf(released, sizeof released, "%s_released", object[i]);
        if (number_in(log, created) < 0 ||
            number_in(log, created) != number_in(log, released))
            return object[i];
    }
    if (number_in(log, "buffers_created_after_first_launch") ||
        number_in(log, "buffers_released_before_last_launch"))
        return "a buffer between the first and the last launch";
    return NULL;
}

static void read_log(char *log, size_t size)
{
    FILE *f = fopen(log_path, "r");

    log[0] = 0;
    if (!f)
        return;
    log[fread(log, 1, size - 1, f)] = 0;
    fclose(f);
}

/* The whole run: bytes as the plan says. */
static int judge_whole(const char *log)
{
    struct plancl_plan *plan = session_plan(NULL);
    uint64_t wanted = plan ? plancl_plan_device_bytes(plan) : 0;
    long seen = number_in(log, "buffer_bytes");

    plancl_plan_free(plan);
    if (seen == (long)wanted && wanted)
        return 0;
    printf("%ld bytes of buffers, the plan says %ld\n", seen, (long)wanted);
    return 1;
}

/* Was the outcome right for a run whose k-th call failed?  Closing waits once
 * more, as the last call of all, and has nobody to tell. */
static int judge_status(const char *log, int k, int status)
{
    if (strstr(log, "\"failed\": \"\""))
        return status == 0;
    if (strstr(log, "\"failed\": \"clFinish\"") && number_in(log, "calls") == k)
        return status == 0;
    return status >= 1 && status <= 4;
}

/* 0 when every fault was met; ends with the first run without a failed call. */
static int all_faults(const char *self, const char *mode)
{
    static char log[4096];

    for (int k = 1; k < MOST_CALLS; k++) {
        int status = run_child(self, mode, k);
        const char *wrong;

        read_log(log, sizeof log);
        wrong = judge_log(log);
        if (wrong || !judge_status(log, k, status)) {
            printf("%s: call %d fails: status %d, %s not released\n%s\n", mode,
                   k, status, wrong ? wrong : "nothing", log);
            return 1;
        }
        if (strstr(log, "\"failed\": \"\"")) {
            printf("%s: %d calls failed, each with a message\n", mode, k - 1);
            return judge_whole(log);
        }
    }
    return 1;
}

static void ignore_device(void *context, unsigned index,
                          const struct plancl_device *d)
{
    (void)index;
    (void)d;
    *(int *)context = 1;
}

static int skip(const char *why)
{
    printf("skipped: %s\n", why);
    return 77;
}

int main(int argc, char **argv)
{
    const char *layer = getenv("PLANCL_LAYER");
    int found = 0;

    if (argc > 1)
        return child(!strcmp(argv[1], "profile"));
    plancl_devices(NULL, ignore_device, &found);
    if (!found)
        return skip("no OpenCL device");
    if (!layer)
        layer = "./tests/layer/.libs/liblayer.so";
    if (access(layer, R_OK))
        return skip("the layer is not built");
    setenv("OPENCL_LAYERS", layer, 1);
    setenv("PLANCL_LAYER_LOG", log_path, 1);
    found = all_faults(argv[0], "plain") || all_faults(argv[0], "profile");
    unlink(log_path);
    unlink(weights);
    return found;
}
