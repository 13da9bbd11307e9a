/*
 * The best K of a stream of scores. A score and its position become one 64-bit key whose ascending order is the order of
 * the answer: score descending, then position ascending, NaN last. Keys better than the bound are collected; when the
 * buffer is full it is sorted by radix (no worst case) and cut to K, and the K-th becomes the bound. Positions ascend,
 * so a later score that equals the bound's can never be better.
 */
#include <string.h>

#include "core.h"
#include "scratch.h"
#include "vec.h"

#define RADIX 256
#define DIGITS 4

/* NaN ↦ 2^32 − 1; −0 counts as 0. */
INLINE uint32_t rank_of(float score) {
  uint32_t bits;
  score += 0.0f;
  memcpy(&bits, &score, 4);
  uint32_t rank = bits >> 31 ? bits : 0x7fffffffu - bits;
  return score == score ? rank : 0xffffffffu;
}

uint32_t pr_best_position(uint64_t key) { return (uint32_t)key; }

float pr_best_score(uint64_t key) {
  uint32_t rank = (uint32_t)(key >> 32);
  uint32_t bits = rank == 0xffffffffu ? 0x7fc00000u : rank >> 31 ? rank : 0x7fffffffu - rank;
  float score;
  memcpy(&score, &bits, 4);
  return score;
}

static size_t capacity_of(size_t k, size_t n) {
  size_t wanted = 2 * k < 1024 ? 1024 : 2 * k;
  return (wanted < n ? wanted : n) + PR_BLOCK;
}

size_t pr_best_scratch_bytes(size_t k, size_t n) { return 2 * capacity_of(k, n) * sizeof(uint64_t) + PR_FENCE_BYTES; }

void pr_best_start(pr_best *best, size_t k, size_t n, void *scratch) {
  best->keys = scratch;
  best->capacity = capacity_of(k, n);
  uint8_t *end = (uint8_t *)(best->keys + best->capacity);
  PR_FENCE(end);
  best->spare = (uint64_t *)(end + PR_FENCE_BYTES);
  best->kept_max = k;
  pr_best_restart(best);
}

void pr_best_restart(pr_best *best) {
  best->count = 0;
  best->bound = (uint64_t)UINT32_MAX + 1;
}

/*
 * By rank only, least significant digit first, skipping digits that all keys share: the sort is stable, and among equal
 * ranks positions already ascend, in what a cut kept and in what came after it.
 */
static void sort_keys(pr_best *best) {
  uint32_t counts[DIGITS][RADIX];
  memset(counts, 0, sizeof counts);
  for (size_t i = 0; i < best->count; i++) {
    for (int digit = 0; digit < DIGITS; digit++) counts[digit][best->keys[i] >> (32 + 8 * digit) & 255]++;
  }
  for (int digit = 0; digit < DIGITS; digit++) {
    int shift = 32 + 8 * digit;
    if (best->count == 0 || counts[digit][best->keys[0] >> shift & 255] == best->count) continue;
    uint32_t place = 0;
    for (int value = 0; value < RADIX; value++) {
      uint32_t count = counts[digit][value];
      counts[digit][value] = place;
      place += count;
    }
    for (size_t i = 0; i < best->count; i++) {
      uint64_t key = best->keys[i];
      best->spare[counts[digit][key >> shift & 255]++] = key;
    }
    uint64_t *sorted = best->spare;
    best->spare = best->keys;
    best->keys = sorted;
  }
}

void pr_best_finish(pr_best *best) {
  sort_keys(best);
  if (best->count > best->kept_max) best->count = best->kept_max;
}

static void cut(pr_best *best) {
  pr_best_finish(best);
  if (best->count == best->kept_max) best->bound = best->keys[best->count - 1] >> 32;
}

CLONES void pr_best_add(pr_best *best, const float *scores, const uint32_t *rows, uint32_t row_count, size_t n,
                        size_t first) {
  uint32_t ranks[PR_BLOCK];
  if (best->kept_max == 0) return;
  for (size_t i = 0; i < n; i++) ranks[i] = rank_of(scores[i]);
  for (size_t i = 0; i < n; i++) {
    if (ranks[i] >= best->bound || rows[i] >= row_count) continue;
    best->keys[best->count++] = (uint64_t)ranks[i] << 32 | (uint32_t)(first + i);
  }
  if (best->count + PR_BLOCK > best->capacity) cut(best);
}

void pr_best_merge(pr_best *best, const pr_best *later) {
  for (size_t i = 0; i < later->count; i++) {
    best->keys[best->count++] = later->keys[i];
    if (best->count + PR_BLOCK > best->capacity) cut(best);
  }
}
