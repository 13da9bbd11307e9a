/**
 * Rate limit in candidates per second, which is what a request costs; one bucket per key name, or one for all where there
 * are no keys. Rejected without keys: a bucket per address. Behind a proxy all callers are one, and elsewhere one caller
 * has as many addresses as it likes.
 *
 * Headers as in draft-ietf-httpapi-ratelimit-headers-11.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Bucket, type BucketLimits, fullBucket, type Taken, take } from '../access/token_bucket.ts'
import { ServiceError } from '../errors.ts'

/** Throws where the caller has used up its candidates. */
export type Charge = (candidates: number, exchange: { request: FastifyRequest; reply: FastifyReply }) => void

/** A rate of 0 sets no limit. */
export function createCharge(limits: BucketLimits): Charge {
  const { rate_per_s, burst } = limits
  if (rate_per_s === 0) return () => {}
  const policy = `"candidates";q=${burst};w=${Math.ceil(burst / rate_per_s)};qu="candidates"`
  // As many as there are key names: the file of the keys bounds them.
  const buckets = new Map<string, Bucket>()
  return (candidates, { request, reply }) => {
    if (candidates > burst) throw tooMany(candidates, burst)
    const now_ms = performance.now()
    let bucket = buckets.get(request.caller)
    if (!bucket) {
      bucket = fullBucket(limits, now_ms)
      buckets.set(request.caller, bucket)
    }
    const taken = take(bucket, candidates, { limits, now_ms })
    reply.header('ratelimit-policy', policy)
    reply.header('ratelimit', `"candidates";r=${Math.floor(taken.tokens)};t=${seconds(taken.full_ms)}`)
    if (taken.wait_ms > 0) throw limited(candidates, taken, reply)
  }
}

const seconds = (ms: number) => Math.ceil(ms / 1000)

function tooMany(candidates: number, burst: number): ServiceError {
  const [found, expected] = [`${candidates} candidates`, `at most ${burst}, the burst of the rate limit`]
  return new ServiceError('too_many_candidates', { field: 'candidates', found, expected })
}

function limited(candidates: number, { tokens, wait_ms }: Taken, reply: FastifyReply): ServiceError {
  reply.header('retry-after', seconds(wait_ms))
  const found = `${candidates} candidates with ${Math.floor(tokens)} left`
  return new ServiceError('rate_limited', { found, expected: `the same request after ${seconds(wait_ms)} s` })
}
