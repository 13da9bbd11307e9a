/*
 * The join of candidates with count blobs. All blobs of a request are merged into one table key → F summed counts, and
 * the candidates are looked up in it once, whatever the number of blobs. Transforms then run on hits only: whoever is
 * in no blob has the same constant.
 */
#include <string.h>
#include <time.h>

#include "core.h"
#include "vec.h"

uint64_t pr_join_seed(void) {
  static _Atomic uint64_t seed;
  uint64_t known = seed;
  if (known) return known;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t mixed[3] = {(uint64_t)now.tv_nsec, (uint64_t)now.tv_sec, (uint64_t)(uintptr_t)&now};
  seed = pr_xxh64(mixed, sizeof mixed) | 1;
  return seed;
}

static uint32_t items_of(const pr_blob *blobs, size_t blob_count) {
  size_t items = 0;
  for (size_t b = 0; b < blob_count; b++) items += blobs[b].items;
  return (uint32_t)(items < UINT32_MAX ? items : UINT32_MAX);
}

static uint32_t slot_bits(uint32_t items) {
  uint32_t bits = 6;
  while (bits < 31 && ((uint64_t)1 << bits) < 2 * (uint64_t)items) bits++;
  return bits;
}

static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

size_t pr_join_scratch_bytes(const pr_blob *blobs, size_t blob_count, uint32_t cross) {
  uint32_t items = items_of(blobs, blob_count);
  size_t entries = (size_t)items + 1;
  return round_up(sizeof(uint32_t) << slot_bits(items)) + round_up(8 * entries) + round_up(4 * entries * cross);
}

INLINE uint64_t load_key(const uint8_t *keys, size_t i) {
  uint64_t key;
  memcpy(&key, keys + 8 * i, 8);
  return key;
}

INLINE uint32_t find_or_add(pr_join *join, uint64_t key) {
  uint32_t slot = (uint32_t)(key * join->multiplier >> join->shift);
  for (;; slot = (slot + 1) & join->mask) {
    uint32_t entry = join->slots[slot];
    if (entry == 0) {
      entry = ++join->entries;
      join->slots[slot] = entry;
      join->keys[entry] = key;
      memset(join->counts + (size_t)entry * join->cross, 0, sizeof(float) * join->cross);
      return entry;
    }
    if (join->keys[entry] == key) return entry;
  }
}

static void add_blob(pr_join *join, const pr_blob *blob) {
  for (uint32_t i = 0; i < blob->items; i++) {
    uint32_t entry = find_or_add(join, load_key(blob->keys, i));
    float *counts = join->counts + (size_t)entry * join->cross;
    for (uint32_t c = 0; c < blob->columns; c++) {
      uint32_t count;
      if (blob->features[c] < 0) continue;
      memcpy(&count, blob->counts + 4 * ((size_t)c * blob->items + i), 4);
      counts[blob->features[c]] += (float)count;
    }
  }
}

void pr_join_build(pr_join *join, const pr_blob *blobs, size_t blob_count, uint32_t cross, uint64_t seed,
                   void *scratch) {
  uint32_t items = items_of(blobs, blob_count);
  uint32_t bits = slot_bits(items);
  uint8_t *at = scratch;
  join->cross = cross;
  join->entries = 0;
  join->shift = 64 - bits;
  join->mask = (uint32_t)(((uint64_t)1 << bits) - 1);
  join->multiplier = seed | 1;
  join->slots = (uint32_t *)at;
  at += round_up(sizeof(uint32_t) << bits);
  join->keys = (uint64_t *)at;
  join->counts = (float *)(at + round_up(8 * ((size_t)items + 1)));
  memset(join->slots, 0, sizeof(uint32_t) << bits);
  for (size_t b = 0; b < blob_count; b++) add_blob(join, &blobs[b]);
}

size_t pr_join_probe(const pr_join *join, const uint64_t *keys, size_t n, pr_hit *hits) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    uint64_t key = keys[i];
    uint32_t slot = (uint32_t)(key * join->multiplier >> join->shift);
    uint32_t entry;
    while ((entry = join->slots[slot]) != 0 && join->keys[entry] != key) slot = (slot + 1) & join->mask;
    hits[count] = (pr_hit){(uint32_t)i, entry};
    count += entry != 0;
  }
  return count;
}
