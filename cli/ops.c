/* ops.c: the reference of all ops, from their records. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/options.h"
#include "compiler/plancl_compile.h"

static const struct usage usage = {
    .command = "ops",
    .operands = "",
    .summary = "Print all ops with their operands and attributes.",
    .example = "  plancl ops | less\n"
               "  plancl ops --schema >plancl.schema.json\n",
};

static void print_line(void *context, const char *text)
{
    (void)context;
    puts(text);
}

enum plancl_status command_ops(int argc, char **argv)
{
    bool internal = false, schema = false;
    const struct option_spec spec[] = {
        {"internal", 0, OPTION_FLAG, &internal, NULL,
         "those that the compiler makes instead"},
        {"schema", 0, OPTION_FLAG, &schema, NULL,
         "a JSON Schema of model files, for editors, instead"},
        {0},
    };
    enum options_result parsed = options_parse(&usage, spec, argc, argv, NULL);

    if (parsed != OPTIONS_GO_ON)
        return options_status(parsed);
    if (schema)
        plancl_schema(NULL, print_line);
    else if (internal)
        plancl_internal_ops(NULL, print_line);
    else
        plancl_ops(NULL, print_line);
    return PLANCL_OK;
}
