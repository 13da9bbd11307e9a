import assert from 'node:assert/strict'
import type { Answer } from './tiny_service.ts'

export type ExpectedProblem = { status?: number; code: string; field?: string; found?: RegExp; expected?: RegExp }

/** A 4xx problem that says which field, what was found and what was expected, in a few words. */
export function assertProblem({ status, headers, body }: Answer, expected: ExpectedProblem) {
  const seen = JSON.stringify(body).slice(0, 1000)
  assert.equal(status, expected.status ?? 400, seen)
  assert.match(headers.get('content-type')!, /^application\/problem\+json/)
  assert.equal(body.code, expected.code, seen)
  assert.equal(body.type, `urn:prerank:error:${expected.code}`)
  if (expected.field !== undefined) assert.equal(body.field, expected.field, seen)
  if (expected.found) assert.match(body.found, expected.found, seen)
  if (expected.expected) assert.match(body.expected, expected.expected, seen)
  assert.ok(seen.length < 1000, 'a problem is short whatever came in')
}
