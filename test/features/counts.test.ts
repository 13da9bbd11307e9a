import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countKeys, countTokens, encodeCountBlob, parseCountBlob } from '../../src/features/counts.ts'
import { xxh64 } from '../../src/features/hash.ts'

const columns = ['click_90d', 'save_90d']

function blob(): Uint8Array {
  return encodeCountBlob({
    columns,
    as_of_ms: 1_700_000_000_123,
    totals: Float64Array.of(100, 7),
    keys: BigUint64Array.of(3n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 64n - 1n),
    counts: Uint32Array.of(1, 2, 3, 4, 0, 1, 0, 2 ** 32 - 1),
  })
}

/** The blob with other content, whose checksum is right. */
function signed(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  change(view)
  view.setBigUint64(24, xxh64(bytes.subarray(32)), true)
  return bytes
}

test('a count blob comes back as it went in', () => {
  const parsed = parseCountBlob(blob(), columns)
  assert.equal(parsed.as_of_ms, 1_700_000_000_123)
  assert.deepEqual([...parsed.totals], [100, 7])
  assert.deepEqual([...parsed.keys], [3n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 64n - 1n])
  assert.deepEqual([...parsed.counts], [1, 2, 3, 4, 0, 1, 0, 2 ** 32 - 1])
})

test('bytes at an odd address are copied to an aligned one', () => {
  const bytes = blob()
  const shifted = new Uint8Array(bytes.length + 1)
  shifted.set(bytes, 1)
  const parsed = parseCountBlob(shifted.subarray(1), columns)
  assert.equal(parsed.bytes.byteOffset % 8, 0)
  assert.deepEqual(parsed.bytes, bytes)
})

test('a blob without items keeps its totals', () => {
  const empty = {
    columns,
    as_of_ms: 0,
    totals: Float64Array.of(5, 0),
    keys: new BigUint64Array(),
    counts: new Uint32Array(),
  }
  const parsed = parseCountBlob(encodeCountBlob(empty), columns)
  assert.deepEqual([...parsed.totals], [5, 0])
  assert.equal(parsed.keys.length, 0)
})

test('every single corrupted byte is refused', () => {
  const good = blob()
  for (let at = 0; at < good.length; at++) {
    if (at >= 16 && at < 24) continue // the as-of time is not under the checksum
    const bad = Uint8Array.from(good)
    bad[at] ^= 0x40
    assert.throws(() => parseCountBlob(bad, columns), /count blob/, `byte ${at}`)
  }
})

test('every truncation is refused', () => {
  const good = blob()
  for (let length = 0; length < good.length; length++) {
    assert.throws(() => parseCountBlob(good.subarray(0, length), columns), /found .* expected/)
  }
})

test('a blob of other columns is refused by its schema', () => {
  assert.throws(() => parseCountBlob(blob(), ['save_90d', 'click_90d']), /schema \(of save_90d,click_90d\): found 0x/)
  assert.throws(() => parseCountBlob(blob(), ['click_90d']), /columns: found 2, expected 1/)
})

test('keys out of order are refused in both directions', () => {
  const unsorted = {
    columns: ['a'],
    as_of_ms: 0,
    totals: Float64Array.of(1),
    keys: BigUint64Array.of(1n, 5n, 5n),
    counts: Uint32Array.of(1, 1, 1),
  }
  assert.throws(() => encodeCountBlob(unsorted), /item key 5 follows 5, expected strictly ascending/)
  const sorted = { ...unsorted, keys: BigUint64Array.of(1n, 5n, 6n) }
  const bytes = signed(encodeCountBlob(sorted), (view) => {
    view.setBigUint64(48, 6n, true)
    view.setBigUint64(56, 5n, true)
  })
  assert.throws(() => parseCountBlob(bytes, ['a']), /item key 5 follows 6, expected strictly ascending/)
})

test('totals that are no counts are refused, though the checksum is right', () => {
  for (const total of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
    const bytes = signed(blob(), (view) => view.setFloat64(40, total, true))
    assert.throws(() => parseCountBlob(bytes, columns), /total of column 1: found .*, expected a finite number from 0/)
  }
})

test('keys follow the query, its tokens and its embedding', () => {
  assert.equal(countKeys.query('country=DE', '  Red  SHOES '), 'iqp:country=DE:{red shoes}')
  assert.equal(countKeys.of('country=DE', 'red shoes'), 'iqp:country=DE:{red shoes}')
  assert.equal(countKeys.token('red'), 'iqp:token:{red}')
  assert.equal(countKeys.embedding('Red'), 'qemb:{red}')
})

test('the first eight distinct tokens back a query off', () => {
  assert.deepEqual(countTokens('a b a c d e f g h i'), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
})
