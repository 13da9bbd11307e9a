/* Count blobs (docs/formats.md §3): nothing in them is believed before it is checked here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core.h"
#include "vec.h"

#define HEADER_BYTES 32
#define MAGIC 0x42435250u
#define ITEMS_MAX (1u << 24)

#define REFUSE(...)                                   \
  do {                                                \
    snprintf(error, PR_ERROR_BYTES, __VA_ARGS__);     \
    return false;                                     \
  } while (0)

static uint64_t key_at(const uint8_t *keys, size_t i) {
  uint64_t key;
  memcpy(&key, keys + 8 * i, 8);
  return key;
}

/* Index of the first key that is not above the one before it; `items` when all are. */
static CLONES uint32_t first_disorder(const uint8_t *keys, uint32_t items) {
  uint32_t disorders = 0;
  for (uint32_t i = 1; i < items; i++) disorders += key_at(keys, i) <= key_at(keys, i - 1);
  if (disorders == 0) return items;
  uint32_t i = 1;
  while (i < items && key_at(keys, i) > key_at(keys, i - 1)) i++;
  return i;
}

static bool check_header(const pr_blob_source *source, pr_blob *blob, char *error) {
  uint32_t magic, items;
  uint16_t version, columns;
  if (source->length < HEADER_BYTES) REFUSE("%zu bytes, expected at least %d", source->length, HEADER_BYTES);
  memcpy(&magic, source->bytes, 4);
  memcpy(&version, source->bytes + 4, 2);
  memcpy(&columns, source->bytes + 6, 2);
  memcpy(&items, source->bytes + 8, 4);
  if (magic != MAGIC) REFUSE("magic 0x%x, expected 0x%x", magic, MAGIC);
  if (version != 1) REFUSE("version %u, expected 1", version);
  if (columns < 1 || columns > PR_CROSS_MAX) REFUSE("%u columns, expected 1 to %d", columns, PR_CROSS_MAX);
  if (items > ITEMS_MAX) REFUSE("%u items, expected at most %u", items, ITEMS_MAX);
  size_t expected = HEADER_BYTES + 8 * (size_t)columns + 8 * (size_t)items + 4 * (size_t)columns * items;
  if (source->length != expected) {
    REFUSE("%zu bytes, expected %zu for %u items", source->length, expected, items);
  }
  if (source->features_length != columns) {
    REFUSE("%u columns, but %zu are mapped to features", columns, source->features_length);
  }
  blob->columns = columns;
  blob->items = items;
  return true;
}

bool pr_blob_parse(pr_blob *blob, const pr_blob_source *source, char *error) {
  if (!check_header(source, blob, error)) return false;
  const uint8_t *body = source->bytes + HEADER_BYTES;
  uint64_t stored;
  memcpy(&stored, source->bytes + 24, 8);
  if (!source->checked && pr_xxh64(body, source->length - HEADER_BYTES) != stored) REFUSE("checksum differs");
  blob->features = source->features;
  blob->totals = body;
  blob->keys = body + 8 * (size_t)blob->columns;
  blob->counts = blob->keys + 8 * (size_t)blob->items;
  for (uint32_t c = 0; c < blob->columns; c++) {
    double total;
    memcpy(&total, blob->totals + 8 * (size_t)c, 8);
    if (!(total >= 0 && total < INFINITY)) REFUSE("total of %g, expected a number \xe2\x89\xa5 0", total);
  }
  uint32_t disorder = first_disorder(blob->keys, blob->items);
  if (disorder < blob->items) REFUSE("keys do not ascend at item %u", disorder);
  return true;
}

void pr_totals(const pr_blob *blobs, size_t blob_count, uint32_t cross, double *totals) {
  for (uint32_t f = 0; f < cross; f++) totals[f] = 0;
  for (size_t b = 0; b < blob_count; b++) {
    for (uint32_t c = 0; c < blobs[b].columns; c++) {
      double total;
      memcpy(&total, blobs[b].totals + 8 * (size_t)c, 8);
      if (blobs[b].features[c] >= 0) totals[blobs[b].features[c]] += total;
    }
  }
}
