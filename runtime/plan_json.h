/*
 * plan_json.h: the frame of a plan file, which writer and reader share.
 *
 * First and last lines have a fixed form, so that the version is seen before
 * anything else is believed, and the digest before anything is parsed.
 */
#ifndef RUNTIME_PLAN_JSON_H
#define RUNTIME_PLAN_JSON_H

#define PLAN_JSON_START  "{\n\"plancl_plan\": "
#define PLAN_JSON_DIGEST "\"sha256\": \""
#define PLAN_JSON_END    "\"\n}\n"

/* Bytes of constants in one line. */
enum { PLAN_JSON_LINE_BYTES = 32 };

#endif
