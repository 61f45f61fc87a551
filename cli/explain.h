/*
 * explain.h: why a plan takes the memory that it does, and what more or less
 * would do.
 */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "cli/model_file.h"
#include "compiler/plancl_compile.h"

/* Print it.  The options are those that the plan was compiled with, done what
 * that compile said.  Compiles twice more, with other budgets. */
enum plancl_status explain(const struct model_file *,
                           const struct plancl_compile_options *,
                           const struct plancl_compile_done *,
                           const struct plancl_plan *,
                           const struct plancl_callbacks *);

#endif
