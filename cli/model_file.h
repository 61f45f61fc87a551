/* model_file.h: what commands that compile are given: a model, or an ONNX file
 * that is imported on the way. */
#ifndef CLI_MODEL_FILE_H
#define CLI_MODEL_FILE_H

#include "compiler/plancl_compile.h"
#include "runtime/base.h"

struct model_file {
    const char *path;
    const char *text; /* null: read the file */
    struct arena arena;
};

/* Dimensions belong to the options of compiling; of an ONNX file, whose other
 * dimensions are numbers once it is imported, to that.  Close it also after a
 * refusal. */
enum plancl_status model_file_open(struct model_file *, const char *path,
                                   struct plancl_compile_options *,
                                   const struct plancl_callbacks *);
void model_file_close(struct model_file *);

#endif
