/* XXH64 with seed 0 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md): the project's only 64-bit hash. */
#include <string.h>

#include "table.h"

static const uint64_t P1 = 0x9E3779B185EBCA87u;
static const uint64_t P2 = 0xC2B2AE3D27D4EB4Fu;
static const uint64_t P3 = 0x165667B19E3779F9u;
static const uint64_t P4 = 0x85EBCA77C2B2AE63u;
static const uint64_t P5 = 0x27D4EB2F165667C5u;

static inline uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

static inline uint64_t load64(const uint8_t *at) {
  uint64_t x;
  memcpy(&x, at, 8);
  return x;
}

static inline uint32_t load32(const uint8_t *at) {
  uint32_t x;
  memcpy(&x, at, 4);
  return x;
}

static inline uint64_t round64(uint64_t lane, uint64_t input) { return rotate(lane + input * P2, 31) * P1; }

static inline uint64_t merge(uint64_t hash, uint64_t lane) { return (hash ^ round64(0, lane)) * P1 + P4; }

static void start_lanes(uint64_t *lanes) {
  lanes[0] = P1 + P2;
  lanes[1] = P2;
  lanes[2] = 0;
  lanes[3] = 0 - P1;
}

static const uint8_t *hash_stripes(const uint8_t *at, const uint8_t *end, uint64_t *lanes) {
  uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
  for (; end - at >= 32; at += 32) {
    a = round64(a, load64(at));
    b = round64(b, load64(at + 8));
    c = round64(c, load64(at + 16));
    d = round64(d, load64(at + 24));
  }
  lanes[0] = a;
  lanes[1] = b;
  lanes[2] = c;
  lanes[3] = d;
  return at;
}

static uint64_t merge_lanes(const uint64_t *lanes) {
  uint64_t hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
  for (int lane = 0; lane < 4; lane++) hash = merge(hash, lanes[lane]);
  return hash;
}

uint64_t pr_xxh64_piece(uint64_t lanes[4], const void *bytes, size_t from, size_t to) {
  const uint8_t *at = (const uint8_t *)bytes + from;
  const uint8_t *end = (const uint8_t *)bytes + to;
  uint64_t hash = P5;
  if (from == 0) start_lanes(lanes);
  if (to >= 32) {
    at = hash_stripes(at, end, lanes);
    hash = merge_lanes(lanes);
  }
  hash += to;
  for (; end - at >= 8; at += 8) hash = rotate(hash ^ round64(0, load64(at)), 27) * P1 + P4;
  if (end - at >= 4) {
    hash = rotate(hash ^ load32(at) * P1, 23) * P2 + P3;
    at += 4;
  }
  for (; at < end; at++) hash = rotate(hash ^ *at * P5, 11) * P1;
  hash = (hash ^ hash >> 33) * P2;
  hash = (hash ^ hash >> 29) * P3;
  return hash ^ hash >> 32;
}

uint64_t pr_xxh64(const void *bytes, size_t length) {
  uint64_t lanes[4];
  return pr_xxh64_piece(lanes, bytes, 0, length);
}
