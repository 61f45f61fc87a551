/* json_schema.h: does a value fit a JSON Schema?  As much of draft 07 as the
 * model format's schema uses. */
#ifndef TESTS_JSON_SCHEMA_H
#define TESTS_JSON_SCHEMA_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* A keyword that is not known here is reported and ends the program. */
bool schema_fits(const cJSON *root, const cJSON *schema, const cJSON *value);

#endif
