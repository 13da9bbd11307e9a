/* pr_json_ids and pr_json_numbers: one pass each over the bytes of an array. */
#include <math.h>
#include <stdlib.h>

#include "../../items/native/table.h"
#include "json_scan.h"

/* 2^53 − 1: larger integers are not exact in JSON.parse. */
#define SAFE_INTEGER_MAX 9007199254740991u
#define ID_BYTES_MAX 512
#define DIGITS_MAX 20

static inline const uint8_t *skip_space(const uint8_t *at) {
  while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') at++;
  return at;
}

static inline bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

/*
 * (0|[1-9][0-9]{0,19}) up to 2^64 − 1. Every read ends at the latest at the array's closing bracket, which is no digit.
 */
static inline const uint8_t *read_decimal(const uint8_t *at, uint64_t *value) {
  const uint8_t *start = at;
  uint64_t sum = 0;
  for (; is_digit(*at); at++) {
    uint8_t digit = (uint8_t)(*at - '0');
    if (at - start == DIGITS_MAX - 1 && (sum > UINT64_MAX / 10 || sum * 10 > UINT64_MAX - digit)) return NULL;
    if (at - start == DIGITS_MAX) return NULL;
    sum = sum * 10 + digit;
  }
  if (at == start || (*start == '0' && at - start > 1)) return NULL;
  *value = sum;
  return at;
}

/* A text without escapes and control characters, short enough for an id. Returns its closing quote. */
static inline const uint8_t *end_of_text(const uint8_t *at) {
  const uint8_t *start = at;
  for (; *at != '"'; at++) {
    if (*at < 0x20 || *at == '\\' || at - start == ID_BYTES_MAX) return NULL;
  }
  return at == start ? NULL : at;
}

/* Ids of a table of texts: their hash. */
static inline const uint8_t *read_text_id(const uint8_t *at, uint64_t *key) {
  if (*at != '"') return NULL;
  const uint8_t *end = end_of_text(at + 1);
  if (!end) return NULL;
  *key = pr_xxh64(at + 1, (size_t)(end - at - 1));
  return end + 1;
}

/* Ids of a table of integers: numbers, or decimal texts where they are too large for one. */
static inline const uint8_t *read_integer_id(const uint8_t *at, uint64_t *key) {
  if (*at != '"') {
    at = read_decimal(at, key);
    return at && *key <= SAFE_INTEGER_MAX ? at : NULL;
  }
  at = read_decimal(at + 1, key);
  return at && *at == '"' ? at + 1 : NULL;
}

bool pr_json_ids(const uint8_t *bytes, const pr_json_array *array, bool texts, uint64_t *keys, uint32_t *spans) {
  const uint8_t *at = bytes + array->from + 1;
  for (uint32_t i = 0; i < array->count; i++) {
    at = skip_space(at);
    spans[2 * i] = (uint32_t)(at - bytes);
    at = texts ? read_text_id(at, &keys[i]) : read_integer_id(at, &keys[i]);
    if (!at) return false;
    spans[2 * i + 1] = (uint32_t)(at - bytes);
    at = skip_space(at);
    if (*at++ != (i + 1 < array->count ? ',' : ']')) return false;
  }
  return at == bytes + array->to;
}

/* Up to these both are exact in a double, so that one division rounds as a correct parser does (Clinger 1990). */
#define EXACT_DIGITS_MAX 15
static const double POWERS[EXACT_DIGITS_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static inline const uint8_t *skip_digits(const uint8_t *at, uint64_t *sum) {
  for (; is_digit(*at); at++) *sum = *sum * 10 + (uint64_t)(*at - '0');
  return at;
}

/* The C library's parser rounds correctly; it stops at the comma or bracket that follows a number. */
static const uint8_t *read_long_number(const uint8_t *from, const uint8_t *to, float *out) {
  char *end;
  *out = (float)strtod((const char *)from, &end);
  return (const uint8_t *)end == to ? to : NULL;
}

static const uint8_t *skip_exponent(const uint8_t *at) {
  uint64_t ignored = 0;
  at++;
  if (*at == '+' || *at == '-') at++;
  return is_digit(*at) ? skip_digits(at, &ignored) : NULL;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static inline const uint8_t *read_number(const uint8_t *from, float *out) {
  uint64_t sum = 0;
  const uint8_t *at = from + (*from == '-'), *whole = at;
  at = skip_digits(at, &sum);
  ptrdiff_t digits = at - whole, decimals = 0;
  if (digits == 0 || (*whole == '0' && digits > 1)) return NULL;
  if (*at == '.') {
    const uint8_t *fraction = ++at;
    at = skip_digits(at, &sum);
    decimals = at - fraction;
    if (decimals == 0) return NULL;
  }
  if (*at == 'e' || *at == 'E') {
    at = skip_exponent(at);
    return at ? read_long_number(from, at, out) : NULL;
  }
  if (digits + decimals > EXACT_DIGITS_MAX) return read_long_number(from, at, out);
  double value = (double)sum / POWERS[decimals];
  *out = (float)(*from == '-' ? -value : value);
  return at;
}

static inline const uint8_t *read_value(const uint8_t *at, float *out) {
  if (*at != 'n') return read_number(at, out);
  *out = NAN;
  return at[1] == 'u' && at[2] == 'l' && at[3] == 'l' ? at + 4 : NULL;
}

bool pr_json_numbers(const uint8_t *bytes, const pr_json_array *array, float *out) {
  const uint8_t *at = bytes + array->from + 1;
  for (uint32_t i = 0; i < array->count; i++) {
    at = read_value(skip_space(at), &out[i]);
    if (!at) return false;
    at = skip_space(at);
    if (*at++ != (i + 1 < array->count ? ',' : ']')) return false;
  }
  return at == bytes + array->to;
}
