/*
 * A float32 as decimal text with 17 significant digits, which every double round-trips through: what a caller parses is the
 * float32 itself. The digits of usual magnitudes come from one exact 128-bit product; printf writes the rest.
 */
#include "json_write.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DIGITS 17
#define DECADE_MIN (-5)
#define DECADE_MAX 7

/* 10^(DECADE_MIN + i) */
static const double DECADES[] = {1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
static const uint64_t TEN_17 = 100000000000000000u;

static inline bool is_usual(double size) { return size >= DECADES[0] && size < DECADES[DECADE_MAX - DECADE_MIN + 1]; }

/* e with 10^e ≤ size < 10^(e+1). 1e-5…1e-1 are no doubles, but the nearest float32 are further away than their error. */
static inline int decade_of(double size) {
  int e = DECADE_MIN;
  while (size >= DECADES[e - DECADE_MIN + 1]) e++;
  return e;
}

/* 10^9 … 10^16, by which the rest of a power of ten is multiplied. */
static const uint64_t POWERS[] = {1000000000u,    10000000000u,    100000000000u,    1000000000000u,
                                  10000000000000u, 100000000000000u, 1000000000000000u, 10000000000000000u};
static const uint64_t SMALL_POWERS[] = {1u, 10u, 100u, 1000u, 10000u, 100000u};

/* size × 10^(16 − e), rounded: 17 digits. size = m × 2^x with an integer m < 2^24, so the product stays below 2^97. */
static inline uint64_t digits_of(float size, int e) {
  uint32_t bits;
  memcpy(&bits, &size, 4);
  int x = (int)(bits >> 23) - 150;
  uint64_t m = (bits & 0x7fffff) | 0x800000;
  int power = DIGITS - 1 - e, low = power > 16 ? power - 16 : 0;
  unsigned __int128 product = (unsigned __int128)(m * SMALL_POWERS[low]) * POWERS[power - low - 9];
  if (x >= 0) return (uint64_t)(product << x);
  return (uint64_t)((product + ((unsigned __int128)1 << (-x - 1))) >> -x);
}

/* Two at a time, in two independent chains. */
static const char PAIRS[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

static inline void write_digits(char text[DIGITS], uint64_t digits) {
  uint32_t low = (uint32_t)(digits % 100000000u), high = (uint32_t)(digits / 100000000u);
  for (int i = DIGITS - 2; i > 8; i -= 2, low /= 100) memcpy(text + i, PAIRS + 2 * (low % 100), 2);
  for (int i = 7; i > 0; i -= 2, high /= 100) memcpy(text + i, PAIRS + 2 * (high % 100), 2);
  text[0] = (char)('0' + high);
}

static inline uint8_t *copy(uint8_t *out, const char *text, size_t length) {
  memcpy(out, text, length);
  return out + length;
}

/* Without the zeros at the end of the fraction. */
static inline uint8_t *write_usual(uint8_t *out, float size) {
  char text[DIGITS];
  int e = decade_of(size);
  uint64_t digits = digits_of(size, e);
  if (digits == TEN_17) {
    digits /= 10;
    e++;
  }
  write_digits(text, digits);
  int length = DIGITS;
  while (length > 1 && length > e + 1 && text[length - 1] == '0') length--;
  if (e < 0) {
    out = copy(out, "0.00000", (size_t)(1 - e));
    return copy(out, text, (size_t)length);
  }
  out = copy(out, text, (size_t)e + 1);
  if (length == e + 1) return out;
  *out++ = '.';
  return copy(out, text + e + 1, (size_t)(length - e - 1));
}

/* Zero, very small and very large ones. The decimal separator of printf is the locale's. */
static uint8_t *write_unusual(uint8_t *out, double value) {
  char text[PR_JSON_NUMBER_BYTES_MAX];
  if (!isfinite(value)) return copy(out, "null", 4);
  if (value == 0) return copy(out, "0", 1);
  int length = snprintf(text, sizeof text, "%.17g", value);
  for (int i = 0; i < length; i++) {
    if (!strchr("0123456789eE+-", text[i])) text[i] = '.';
  }
  return copy(out, text, (size_t)length);
}

static inline uint8_t *write_float(uint8_t *out, float value) {
  float size = fabsf(value);
  if (!is_usual(size)) return write_unusual(out, value);
  if (value < 0) *out++ = '-';
  return write_usual(out, size);
}

uint8_t *pr_json_write_floats(uint8_t *out, const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (i > 0) *out++ = ',';
    out = write_float(out, values[i]);
  }
  return out;
}
