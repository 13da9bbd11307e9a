/*
 * Candidate keys → rows of the item table. The index is one random cache line per key, so the loop runs a block of keys
 * ahead: hash and prefetch block b + 1, then search block b.
 */
#include <string.h>

#include "core.h"
#include "vec.h"

#define AHEAD 64

/* The same as indexHash and firstBucket of src/items/index_hash.ts. */
INLINE uint32_t bucket_of(uint64_t key, uint32_t buckets) {
  uint32_t h = ((uint32_t)(key >> 32) ^ 0x9e3779b9u) * 0x85ebca6bu ^ (uint32_t)key;
  h = (h ^ h >> 16) * 0x21f0aaadu;
  h = (h ^ h >> 15) * 0x735a2d97u;
  h ^= h >> 15;
  return (uint32_t)((uint64_t)h * buckets >> 32);
}

/* Free slots are the last ones of a bucket and hold key 0, so the first match counts: search backwards. */
INLINE uint32_t search(const pr_table *t, uint64_t key, uint32_t bucket) {
  for (uint32_t probe = 0; probe < t->probes; probe++) {
    const uint8_t *at = t->base + t->index_at + (size_t)bucket * PR_BUCKET_BYTES;
    const uint64_t *keys = (const uint64_t *)at;
    const uint32_t *rows = (const uint32_t *)(at + 8 * PR_BUCKET_SLOTS);
    uint32_t row = PR_NO_ROW;
    for (int slot = PR_BUCKET_SLOTS - 1; slot >= 0; slot--) row = keys[slot] == key ? rows[slot] : row;
    if (row != PR_NO_ROW) return row < t->rows ? row : PR_NO_ROW;
    if (rows[PR_BUCKET_SLOTS - 1] == PR_NO_ROW) return PR_NO_ROW;
    bucket = bucket + 1 == t->buckets ? 0 : bucket + 1;
  }
  return PR_NO_ROW;
}

INLINE void aim(const pr_table *t, const uint64_t *keys, size_t n, uint32_t *buckets) {
  for (size_t i = 0; i < n; i++) buckets[i] = bucket_of(keys[i], t->buckets);
  for (size_t i = 0; i < n; i++) {
    __builtin_prefetch(t->base + t->index_at + (size_t)buckets[i] * PR_BUCKET_BYTES, 0, 2);
  }
}

CLONES void pr_lookup(const pr_table *t, const uint64_t *keys, size_t n, uint32_t *rows) {
  uint32_t ring[2][AHEAD];
  aim(t, keys, n < AHEAD ? n : AHEAD, ring[0]);
  for (size_t block = 0, from = 0; from < n; block++, from += AHEAD) {
    size_t count = n - from < AHEAD ? n - from : AHEAD;
    size_t next = from + count;
    aim(t, keys + next, n - next < AHEAD ? n - next : AHEAD, ring[(block + 1) % 2]);
    const uint32_t *buckets = ring[block % 2];
    for (size_t i = 0; i < count; i++) rows[from + i] = search(t, keys[from + i], buckets[i]);
  }
}

/* Open addressing over the rows seen, at most half full. */
static uint32_t dedupe_bits(size_t n) {
  uint32_t bits = 6;
  while (((size_t)1 << bits) < 2 * n) bits++;
  return bits;
}

size_t pr_dedupe_scratch_bytes(size_t n) { return sizeof(uint32_t) << dedupe_bits(n); }

pr_resolved pr_dedupe(uint32_t *rows, size_t n, void *scratch) {
  uint32_t bits = dedupe_bits(n);
  size_t mask = ((size_t)1 << bits) - 1;
  uint32_t *seen = scratch; /* row + 1, so that 0 is free */
  memset(seen, 0, sizeof *seen << bits);
  pr_resolved result = {0, 0};
  for (size_t i = 0; i < n; i++) {
    uint32_t row = rows[i];
    if (row == PR_NO_ROW) {
      result.unknown++;
      continue;
    }
    size_t slot = (uint64_t)row * 0x9E3779B97F4A7C15u >> (64 - bits);
    while (seen[slot] != 0 && seen[slot] != row + 1) slot = (slot + 1) & mask;
    if (seen[slot] != 0) {
      result.duplicates++;
      rows[i] = PR_NO_ROW;
    }
    seen[slot] = row + 1;
  }
  return result;
}
