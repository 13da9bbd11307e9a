/**
 * Token bucket: `rate_per_s` tokens come in every second, up to `burst`; work takes as many as it is large. It is exact
 * without a timer, because what has come in since the last look follows from the clock.
 */
export type BucketLimits = { rate_per_s: number; burst: number }
export type Bucket = { tokens: number; filled_ms: number }

/** `wait_ms`: until there are enough tokens; 0 when they were taken. `full_ms`: until the bucket is full again. */
export type Taken = { tokens: number; wait_ms: number; full_ms: number }

export const fullBucket = ({ burst }: BucketLimits, now_ms: number): Bucket => ({ tokens: burst, filled_ms: now_ms })

/** Takes all of `count` or nothing. `count` must not exceed `burst`: there would never be enough. */
export function take(
  bucket: Bucket,
  count: number,
  { limits, now_ms }: { limits: BucketLimits; now_ms: number },
): Taken {
  const { rate_per_s, burst } = limits
  // A clock that goes back fills nothing.
  const gained = (Math.max(0, now_ms - bucket.filled_ms) * rate_per_s) / 1000
  bucket.tokens = Math.min(burst, bucket.tokens + gained)
  bucket.filled_ms = now_ms
  const missing = count - bucket.tokens
  if (missing <= 0) bucket.tokens -= count
  return {
    tokens: bucket.tokens,
    wait_ms: missing <= 0 ? 0 : (missing * 1000) / rate_per_s,
    full_ms: ((burst - bucket.tokens) * 1000) / rate_per_s,
  }
}
