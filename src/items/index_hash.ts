/**
 * The hash that spreads keys over index buckets: 32-bit steps only, so that JavaScript computes it without BigInt and C in
 * vector lanes. Keys may be consecutive integers; XXH64 keys would not need it.
 */
export function indexHash(low: number, high: number): number {
  let h = Math.imul(high ^ 0x9e3779b9, 0x85ebca6b) ^ low
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return (h ^ (h >>> 15)) >>> 0
}

/** floor(hash · buckets / 2^32), exactly: both partial products stay below 2^53. */
export function firstBucket(hash: number, buckets: number): number {
  const low = Math.floor(((hash & 0xffff) * buckets) / 65536)
  return Math.floor(((hash >>> 16) * buckets + low) / 65536)
}
