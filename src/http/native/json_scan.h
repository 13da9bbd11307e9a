/*
 * The large arrays of a JSON request body (RFC 8259), read where they stand. A body of 100,000 candidates costs JSON.parse
 * ten times what its arrays cost here, because every element becomes a JavaScript value first.
 *
 *   pr_json_find     where the arrays are: `candidates` and every member of `candidate_features`
 *   pr_json_ids      ids → item keys, and where each id stands
 *   pr_json_numbers  numbers and nulls → float32
 *
 * Nothing here decides what an error is: whatever is unusual (escapes, other types, a wrong byte anywhere in these arrays)
 * makes a function say no, and JSON.parse reads the whole body instead. What they accept they read as JSON.parse and
 * decode_candidates.ts do. The rest of the body is JSON.parse's in either case, and json_columns.ts looks where it puts the
 * arrays, so names with escapes and names that come twice need no care here. The body must be UTF-8.
 */
#ifndef PRERANK_JSON_SCAN_H
#define PRERANK_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Arrays of fewer bytes stay where they are: JSON.parse is as fast. */
#define PR_JSON_ARRAY_BYTES_MIN 256
#define PR_JSON_ARRAYS_MAX 32

/* Bytes [from, to) with the brackets; the name's bytes [name_from, name_to), without its quotes and as they are written. */
typedef struct {
  bool is_candidates;
  uint32_t from, to, name_from, name_to;
  uint32_t count;
} pr_json_array;

/* Returns how many arrays there are; 0 where JSON.parse has to read all. */
size_t pr_json_find(const uint8_t *bytes, size_t length, pr_json_array arrays[PR_JSON_ARRAYS_MAX]);

/* Fills keys[count] and spans[2 × count] (from and to of every id, quotes included). */
bool pr_json_ids(const uint8_t *bytes, const pr_json_array *array, bool texts, uint64_t *keys, uint32_t *spans);

/* null becomes NaN. */
bool pr_json_numbers(const uint8_t *bytes, const pr_json_array *array, float *out);

#endif
