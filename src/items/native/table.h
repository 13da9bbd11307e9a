/* What native code knows of an item table (src/items/format.ts), and the project's 64-bit hash. */
#ifndef PRERANK_TABLE_H
#define PRERANK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "item tables and count blobs are little-endian; a big-endian host would need swapping everywhere"
#endif

#define PR_NO_ROW 0xffffffffu
#define PR_ROWS_MAX (1u << 30)
#define PR_DIMS_MAX 1024
#define PR_SCALARS_MAX 16
#define PR_PROBES_MAX 255
#define PR_BUCKET_SLOTS 5
#define PR_BUCKET_BYTES 64

typedef enum { PR_FLOAT32, PR_FLOAT16, PR_INT8 } pr_dtype;

/* base[0 … bytes) is readable. */
typedef struct {
  const uint8_t *base;
  size_t bytes;
  size_t rows_at;
  size_t scales_at;
  size_t sketch_at;
  size_t index_at;
  uint32_t rows;
  uint32_t dims;
  uint32_t scalars;
  uint32_t row_stride;
  uint32_t sketch_stride; /* 0 = no sketch */
  double sketch_error;
  uint32_t buckets;
  uint32_t probes;
  pr_dtype dtype;
} pr_table;

/* False when a table of this shape would not lie within its bytes: the reader's checks, once more. */
bool pr_table_fits(const pr_table *table);

/* The scalars of a row: in its sketch, if there is one. */
static inline const uint8_t *pr_table_scalars(const pr_table *t, uint32_t row) {
  size_t sketched = t->sketch_at + row * (size_t)t->sketch_stride + (t->dims + 3) / 4 * 4;
  size_t plain = t->rows_at + (row + (size_t)1) * t->row_stride - 4 * t->scalars;
  return t->base + (t->sketch_stride ? sketched : plain);
}

/* XXH64 with seed 0. */
uint64_t pr_xxh64(const void *bytes, size_t length);
/* The same of bytes[0 … to) where the lanes have [0 … from) from the piece before; `from` is a multiple of 32. */
uint64_t pr_xxh64_piece(uint64_t lanes[4], const void *bytes, size_t from, size_t to);

#endif
