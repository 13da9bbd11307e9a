import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeEvents, encodeEvents, sequenceKey } from '../../src/features/sequence.ts'

const events = [
  { key: 2n ** 64n - 1n, action: 255, time_ms: 2 ** 48 - 1 },
  { key: 0n, action: 1, time_ms: 0 },
  { key: 17n, action: 2, time_ms: 1_763_000_000_123 },
]

test('events come back as they went in', () => {
  const sequence = decodeEvents(encodeEvents(events))
  assert.deepEqual([...sequence.keys], [2n ** 64n - 1n, 0n, 17n])
  assert.deepEqual([...sequence.actions], [255, 1, 2])
  assert.deepEqual([...sequence.times_ms], [2 ** 48 - 1, 0, 1_763_000_000_123])
})

test('half an event is refused', () => {
  assert.throws(() => decodeEvents(new Uint8Array(17)), /found 17 bytes, expected a multiple of 16/)
})

test('an event with reserved bits set is refused', () => {
  const bytes = encodeEvents(events)
  bytes[16 + 14] = 1
  assert.throws(() => decodeEvents(bytes), /event 1 has 1 in bits 48–55/)
})

test('values that do not fit are refused', () => {
  assert.throws(() => encodeEvents([{ key: -1n, action: 1, time_ms: 0 }]), /item key -1/)
  assert.throws(() => encodeEvents([{ key: 1n, action: 256, time_ms: 0 }]), /action code 256/)
  assert.throws(() => encodeEvents([{ key: 1n, action: 1, time_ms: 0.5 }]), /time 0.5/)
})

test('the user id is the hash tag of the key', () => {
  assert.equal(sequenceKey('u17'), 'seq:{u17}')
})
