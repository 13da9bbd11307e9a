/*
 * Candidate keys → rows of the item table. The index is one random cache line per key, so the loop runs a block of keys
 * ahead: hash and prefetch block b + 1, then search block b.
 */
#include <string.h>

#include "core.h"
#include "vec.h"

#define AHEAD 64
#define CHUNK 4096

/* The same as indexHash and firstBucket of src/items/index_hash.ts. */
INLINE uint32_t bucket_of(uint64_t key, uint32_t buckets) {
  uint32_t h = ((uint32_t)(key >> 32) ^ 0x9e3779b9u) * 0x85ebca6bu ^ (uint32_t)key;
  h = (h ^ h >> 16) * 0x21f0aaadu;
  h = (h ^ h >> 15) * 0x735a2d97u;
  h ^= h >> 15;
  return (uint32_t)((uint64_t)h * buckets >> 32);
}

#define ELSEWHERE (PR_NO_ROW - 1)

/*
 * Row of the key, PR_NO_ROW, or ELSEWHERE when the bucket is full of other keys. Which slot matches is computed without
 * branches, which could not be predicted. Free slots are the last ones of a bucket and hold key 0, so the first match
 * counts.
 */
INLINE uint32_t search(const pr_table *t, uint64_t key, uint32_t bucket) {
  const uint8_t *at = t->base + t->index_at + (size_t)bucket * PR_BUCKET_BYTES;
  const uint64_t *keys = (const uint64_t *)at;
  const uint32_t *rows = (const uint32_t *)(at + 8 * PR_BUCKET_SLOTS);
  uint32_t matches = 0;
  for (int slot = 0; slot < PR_BUCKET_SLOTS; slot++) matches |= (uint32_t)(keys[slot] == key) << slot;
  if (matches) {
    uint32_t row = rows[__builtin_ctz(matches)];
    return row < t->rows ? row : PR_NO_ROW;
  }
  return rows[PR_BUCKET_SLOTS - 1] == PR_NO_ROW ? PR_NO_ROW : ELSEWHERE;
}

INLINE void prefetch_bucket(const pr_table *t, uint32_t bucket) {
  __builtin_prefetch(t->base + t->index_at + (size_t)bucket * PR_BUCKET_BYTES, 0, 2);
}

INLINE void aim(const pr_table *t, const uint64_t *keys, size_t n, uint32_t *buckets) {
  for (size_t i = 0; i < n; i++) buckets[i] = bucket_of(keys[i], t->buckets);
}

/* Keys whose bucket was full, on their way to the next one: one in ten, and each would wait for memory. */
typedef struct {
  uint32_t index, bucket;
} detour;

INLINE void follow(const pr_table *t, const uint64_t *keys, uint32_t *rows, detour *detours, size_t count) {
  for (uint32_t probe = 1; count > 0; probe++) {
    size_t left = 0;
    for (size_t d = 0; d < count; d++) {
      detour at = detours[d];
      uint32_t row = probe < t->probes ? search(t, keys[at.index], at.bucket) : PR_NO_ROW;
      rows[at.index] = row;
      if (row != ELSEWHERE) continue;
      at.bucket = at.bucket + 1 == t->buckets ? 0 : at.bucket + 1;
      prefetch_bucket(t, at.bucket);
      detours[left++] = at;
    }
    count = left;
  }
}

INLINE void lookup_chunk(const pr_table *t, const uint64_t *keys, size_t n, uint32_t *rows) {
  uint32_t ring[2][AHEAD];
  detour detours[CHUNK];
  size_t detour_count = 0;
  aim(t, keys, n < AHEAD ? n : AHEAD, ring[0]);
  for (size_t block = 0, from = 0; from < n; block++, from += AHEAD) {
    size_t count = n - from < AHEAD ? n - from : AHEAD;
    size_t next = from + count;
    size_t next_count = n - next < AHEAD ? n - next : AHEAD;
    const uint32_t *buckets = ring[block % 2], *ahead = ring[(block + 1) % 2];
    aim(t, keys + next, next_count, ring[(block + 1) % 2]);
    for (size_t i = 0; i < count; i++) {
      if (i < next_count) prefetch_bucket(t, ahead[i]);
      uint32_t row = search(t, keys[from + i], buckets[i]);
      rows[from + i] = row;
      if (row != ELSEWHERE) continue;
      uint32_t bucket = buckets[i] + 1 == t->buckets ? 0 : buckets[i] + 1;
      prefetch_bucket(t, bucket);
      detours[detour_count++] = (detour){(uint32_t)(from + i), bucket};
    }
  }
  follow(t, keys, rows, detours, detour_count);
}

CLONES void pr_lookup(const pr_table *t, const uint64_t *keys, size_t n, uint32_t *rows) {
  for (size_t at = 0; at < n; at += CHUNK) lookup_chunk(t, keys + at, n - at < CHUNK ? n - at : CHUNK, rows + at);
}

/*
 * Rows already seen: one bit per row of the table, or, where clearing that many would cost more than it saves, a hash
 * table of the rows.
 */
#define BITS_PER_CANDIDATE 256

static bool by_bitmap(const pr_table *t, size_t n) { return t->rows / BITS_PER_CANDIDATE <= n; }

/* Open addressing, at most half full. */
static uint32_t hash_bits(size_t n) {
  uint32_t bits = 6;
  while (((size_t)1 << bits) < 2 * n) bits++;
  return bits;
}

size_t pr_dedupe_scratch_bytes(const pr_table *t, size_t n) {
  return by_bitmap(t, n) ? ((size_t)t->rows / 64 + 1) * 8 : sizeof(uint32_t) << hash_bits(n);
}

INLINE pr_resolved dedupe_by_bitmap(const pr_table *t, uint32_t *rows, size_t n, uint64_t *seen) {
  pr_resolved result = {0, 0};
  memset(seen, 0, pr_dedupe_scratch_bytes(t, n));
  for (size_t i = 0; i < n; i++) {
    uint32_t row = rows[i];
    if (UNLIKELY(row >= t->rows)) {
      result.unknown++;
      continue;
    }
    uint64_t bit = (uint64_t)1 << (row & 63), word = seen[row >> 6];
    seen[row >> 6] = word | bit;
    if (UNLIKELY(word & bit)) {
      rows[i] = PR_NO_ROW;
      result.duplicates++;
    }
  }
  return result;
}

INLINE pr_resolved dedupe_by_hash(const pr_table *t, uint32_t *rows, size_t n, uint32_t *seen) {
  pr_resolved result = {0, 0};
  uint32_t bits = hash_bits(n);
  size_t mask = ((size_t)1 << bits) - 1;
  memset(seen, 0, sizeof *seen << bits);
  for (size_t i = 0; i < n; i++) {
    uint32_t row = rows[i];
    if (row >= t->rows) {
      result.unknown++;
      continue;
    }
    /* row + 1, so that 0 is free. */
    size_t slot = (uint64_t)row * 0x9E3779B97F4A7C15u >> (64 - bits);
    while (seen[slot] != 0 && seen[slot] != row + 1) slot = (slot + 1) & mask;
    if (seen[slot] != 0) {
      rows[i] = PR_NO_ROW;
      result.duplicates++;
    }
    seen[slot] = row + 1;
  }
  return result;
}

CLONES pr_resolved pr_dedupe(const pr_table *t, uint32_t *rows, size_t n, void *scratch) {
  return by_bitmap(t, n) ? dedupe_by_bitmap(t, rows, n, scratch) : dedupe_by_hash(t, rows, n, scratch);
}
