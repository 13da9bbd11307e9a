import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHORT_BYTES_MAX, xxh32, xxh32Short } from '../../src/features/hash.ts'
import { createRandom } from '../lib/random.ts'

test('the short form of XXH32 gives the same hash at every length it takes', () => {
  const random = createRandom(1)
  for (let length = 0; length <= SHORT_BYTES_MAX; length++) {
    for (let round = 0; round < 200; round++) {
      const bytes = Uint8Array.from({ length: SHORT_BYTES_MAX }, () => random.integer(256))
      assert.equal(xxh32Short(bytes, length), xxh32(bytes.subarray(0, length)), `${bytes.subarray(0, length)}`)
    }
  }
})
