/* The columns of a JSON answer: text into memory that is large enough. Both return the end of what they wrote. */
#ifndef PRERANK_JSON_WRITE_H
#define PRERANK_JSON_WRITE_H

#include <stddef.h>
#include <stdint.h>

/* Sign, 0., 17 digits with up to 4 zeros before them or an exponent, comma. */
#define PR_JSON_NUMBER_BYTES_MAX 32

/* Numbers that JSON.parse reads as exactly these float32; null where they are not finite. */
uint8_t *pr_json_write_floats(uint8_t *out, const float *values, size_t count);

#endif
