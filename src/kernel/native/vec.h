/*
 * Vector types of the kernel, as GNU vector extensions: no intrinsics, the compiler picks the instructions. CLONES
 * compiles a function for three x86 levels and lets the dynamic loader choose; arm64 needs one.
 *
 * Vectors have the width of AVX2 registers (NEON's on arm64), not of AVX-512's: where a type is wider than the target's
 * registers, GCC keeps every variable of it in memory (dense layers took 3 times as long on AVX2), while 64-byte vectors
 * on AVX-512 gained nothing, since scoring waits for memory. Helpers are always_inline and take vectors by pointer:
 * passing them by value would be another ABI per level.
 */
#ifndef PRERANK_VEC_H
#define PRERANK_VEC_H

#include <stdint.h>
#include <string.h>

#ifndef VEC_BYTES
#if defined(__x86_64__)
#define VEC_BYTES 32
#else
#define VEC_BYTES 16
#endif
#endif
#define LANES (VEC_BYTES / 4)

typedef float vf __attribute__((vector_size(VEC_BYTES)));
typedef int32_t vi __attribute__((vector_size(VEC_BYTES)));

typedef float vf_quad __attribute__((vector_size(16)));

/* The same at addresses aligned to their elements only. */
typedef float vf_any __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(VEC_BYTES), aligned(1), may_alias));

#if defined(__x86_64__) && !defined(PRERANK_NO_CLONES)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

INLINE float vf_sum(const vf *v) {
  vf_quad sum[LANES / 4];
  memcpy(sum, v, sizeof sum);
  for (int q = 1; q < LANES / 4; q++) sum[0] += sum[q];
  return (sum[0][0] + sum[0][2]) + (sum[0][1] + sum[0][3]);
}

INLINE void vf_fill(vf *v, float x) {
  vf zero = {0};
  *v = zero + x;
}

/* *out = mask ? *a : *b, lane by lane; masks are all ones or all zeros. */
INLINE void vf_select(vf *out, const vi *mask, const vf *a, const vf *b) {
  *out = (vf)((*mask & (vi)*a) | (~*mask & (vi)*b));
}

#endif
