/*
 * read_trace.c: read_trace FILE: reads a Chrome trace as its viewers do and
 * prints a line for each event: sequence, name, kernel, with tabs between.
 *
 * Fails when the file is not JSON, an event lacks what the format asks for, or
 * events overlap on the one queue that they ran on.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long bytes = -1;

    if (f && !fseek(f, 0, SEEK_END))
        bytes = ftell(f);
    if (bytes >= 0)
        text = malloc((size_t)bytes + 1);
    if (text) {
        rewind(f);
        text[fread(text, 1, (size_t)bytes, f)] = '\0';
    }
    if (f)
        fclose(f);
    return text;
}

static const char *string_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* A number that is there and not below zero, else -1. */
static double number_of(const cJSON *event, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(event, key);

    return cJSON_IsNumber(v) && v->valuedouble >= 0 ? v->valuedouble : -1;
}

/* end: when the event before ended; times have three digits. */
static int print_event(const cJSON *event, double *end)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(event, "args");
    const char *phase = string_of(event, "ph");
    const char *name = string_of(event, "name");
    const char *kernel = string_of(args, "kernel");
    const char *sequence = string_of(args, "sequence");
    double start = number_of(event, "ts"), length = number_of(event, "dur");

    if (!phase || strcmp(phase, "X") != 0 || !name || !*name || !kernel ||
        !sequence)
        return 0;
    if (number_of(event, "pid") < 0 || number_of(event, "tid") < 0)
        return 0;
    if (start < *end - 0.002 || length < 0)
        return 0;
    *end = start + length;
    printf("%s\t%s\t%s\n", sequence, name, kernel);
    return 1;
}

static int print_events(const cJSON *top)
{
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(top, "traceEvents");
    const cJSON *event;
    double end = 0;
    int n = 0;

    if (!cJSON_IsArray(events)) {
        fputs("read_trace: no array \"traceEvents\"\n", stderr);
        return 1;
    }
    cJSON_ArrayForEach(event, events)
    {
        if (!print_event(event, &end)) {
            fprintf(stderr, "read_trace: event %d is wrong\n", n);
            return 1;
        }
        n++;
    }
    return 0;
}

int main(int argc, char **argv)
{
    char *text = argc == 2 ? read_all(argv[1]) : NULL;
    const char *end = NULL;
    cJSON *top;
    int status;

    if (!text) {
        fputs("usage: read_trace FILE, which can be read\n", stderr);
        return 2;
    }
    top = cJSON_ParseWithOpts(text, &end, 1);
    if (!top) {
        fprintf(stderr, "read_trace: not JSON at byte %ld\n",
                end ? (long)(end - text) : 0L);
        free(text);
        return 1;
    }
    status = print_events(top);
    cJSON_Delete(top);
    free(text);
    return status;
}
