/* Fences for AddressSanitizer where memory is not malloc's: bytes that no access may touch. Nothing in other builds. */
#ifndef PRERANK_SANITIZED_H
#define PRERANK_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define PR_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PR_SANITIZED 1
#endif
#endif

#ifdef PR_SANITIZED
#include <sanitizer/asan_interface.h>
#define PR_FENCE_BYTES 64
#define PR_FENCE(at) ASAN_POISON_MEMORY_REGION(at, PR_FENCE_BYTES)
#else
#define PR_FENCE_BYTES 0
#define PR_FENCE(at) ((void)(at))
#endif

#endif
