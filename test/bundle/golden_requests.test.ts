import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { goldenRequests } from '../../src/bundle/golden_requests.ts'

const read = (text: string) => Array.from(goldenRequests(Buffer.from(text), 'golden.json'))

test('requests come one by one as they stand in the file, whatever their strings hold', () => {
  const nasty = fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', 'a', 'é', '\n') })
  const request = fc.dictionary(nasty, fc.oneof(nasty, fc.array(nasty), fc.dictionary(nasty, fc.double())))
  fc.assert(
    fc.property(fc.array(request, { maxLength: 4 }), fc.constantFrom(0, 1), (requests, indent) => {
      const text = JSON.stringify({ requests }, null, indent)
      assert.deepEqual(read(text), JSON.parse(text).requests)
    }),
  )
})

test('what is no list of requests is refused with the file and the place', () => {
  const refused: [text: string, message: RegExp][] = [
    ['', /^Error: golden\.json, byte 0: found the end/],
    ['{"scores": []}', /byte 0: found "{\\"scores\\": \[\]}", expected { "requests"/],
    ['{"requests": [{"ids": [1]}', /byte 26: found the end/],
    ['{"requests": [{"ids": "}', /found the end/],
    ['{"requests": [1]}', /byte 14: found "1]}"/],
    ['{"requests": [{}]} and more', /byte 16: found "\]} and more"/],
    ['{"requests": [{}, {"ids": nothing}]}', /golden\.json, request 1: not JSON: /],
    ['{"requests": [{"scores": [NaN]}]}', /golden\.json, request 0: not JSON: .*N/],
  ]
  for (const [text, message] of refused) assert.throws(() => read(text), message)
})
