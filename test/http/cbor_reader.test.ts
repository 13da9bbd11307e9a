import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CborError, readCbor } from '../../src/http/cbor_reader.ts'
import { toCbor } from '../lib/tiny_service.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('reads the examples of RFC 8949, appendix A, that JSON could say too', () => {
  const examples: [string, unknown][] = [
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['1bffffffffffffffff', 2n ** 64n - 1n],
    ['3bffffffffffffffff', -(2n ** 64n)],
    ['20', -1],
    ['3903e7', -1000],
    ['f93c00', 1],
    ['f97bff', 65504],
    ['f90001', 2 ** -24],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f97c00', Number.POSITIVE_INFINITY],
    ['f97e00', Number.NaN],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['60', ''],
    ['6161', 'a'],
    ['62c3bc', 'ü'],
    ['64f0908591', '\u{10151}'],
    ['80', []],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
  ]
  for (const [bytes, expected] of examples) assert.deepEqual(readCbor(hex(bytes)), expected, bytes)
})

test('reads typed arrays of both byte orders, wherever they stand', () => {
  const examples: [string, unknown][] = [
    ['d8 40 43 0102ff', Uint8Array.of(1, 2, 255)],
    ['d8 41 44 0001 0203', Uint16Array.of(1, 0x203)],
    ['d8 45 44 0100 0302', Uint16Array.of(1, 0x203)],
    ['d8 42 44 00000102', Uint32Array.of(0x102)],
    ['d8 46 44 02010000', Uint32Array.of(0x102)],
    ['d8 43 48 0000000000000102', BigUint64Array.of(0x102n)],
    ['d8 47 48 0201000000000000', BigUint64Array.of(0x102n)],
    ['d8 4e 44 ffffffff', Int32Array.of(-1)],
    ['d8 50 42 3c00', Float16Array.of(1)],
    ['d8 51 44 3f800000', Float32Array.of(1)],
    ['d8 55 44 0000803f', Float32Array.of(1)],
    ['d8 52 48 3ff0000000000000', Float64Array.of(1)],
  ]
  for (const [bytes, expected] of examples) {
    assert.deepEqual(readCbor(hex(bytes)), expected, bytes)
    const shifted = Buffer.concat([Buffer.of(0), hex(bytes)]).subarray(1)
    assert.deepEqual(readCbor(shifted), expected, 'at an odd address')
  }
})

test('large typed arrays, read where they stand, leave their neighbours alone', () => {
  const numbers = Array.from({ length: 20_000 }, (_, index) => index * 3)
  for (let shift = 0; shift < 8; shift++) {
    const value = {
      ['k'.repeat(shift)]: Uint8Array.of(1, 2, 3),
      first: BigUint64Array.from(numbers, BigInt),
      between: 'x'.repeat(shift),
      second: Float32Array.from(numbers),
      third: Uint8Array.from({ length: 70_001 }, (_, index) => index),
      last: Float64Array.from(numbers),
    }
    assert.deepEqual(readCbor(toCbor(value)), value)
  }
  const big_endian = Buffer.alloc(7 + 80_000)
  big_endian.set([0xd8, 66, 0x5a, 0, 1, 0x38, 0x80])
  numbers.forEach((number, index) => {
    big_endian.writeUInt32BE(number, 7 + 4 * index)
  })
  assert.deepEqual(readCbor(big_endian), Uint32Array.from(numbers))
})

test('reads back whatever another encoder writes of the JSON model', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const plain = JSON.parse(JSON.stringify(value))
      assert.deepEqual(readCbor(toCbor(plain)), plain)
    }),
  )
})

test('reads arrays of many texts, ASCII or not, of every length class', () => {
  const texts = Array.from({ length: 600 }, (_, index) => (index % 7 ? 'x' : 'é').repeat(index))
  assert.deepEqual(readCbor(toCbor(texts)), texts)
})

test('refuses what JSON could not say, naming the byte', () => {
  const refused: [string, RegExp][] = [
    ['', /end of the body/],
    ['18', /1 more byte/],
    ['1c', /reserved length at byte 0/],
    ['1f', /integer without a value/],
    ['f7', /simple value/],
    ['f0', /simple value/],
    ['ff', /break outside/],
    ['81ff', /break outside/],
    ['a161', /end of the body/],
    ['a1616101 00', /bytes after the end of the item at byte 4/],
    ['a2616101616102', /key "a" twice at byte 4/],
    ['a10102', /key that is not a text/],
    ['bf6161ff', /key without a value/],
    ['a1ff', /break outside/],
    ['62c328', /not UTF-8 at byte 1/],
    ['7f6161016162ff', /wrong chunk/],
    ['7f7f6161ffff', /wrong chunk/],
    ['43010203', /byte string without a typed-array tag/],
    ['c074323031332d30332d32315432303a30343a30305a', /tag 0/],
    ['d8408101', /not a byte string/],
    ['d81c81d81d00', /tag 28/],
    ['9bffffffffffffffff', /over 2\^53/],
    ['7b001fffffffffffff', /end of the body/],
    ['9b0000000100000000', /end of the body/],
    ['a16b636f6e7374727563746f72', /end of the body/],
  ]
  for (const [bytes, message] of refused) {
    assert.throws(
      () => readCbor(hex(bytes)),
      (error) => error instanceof CborError && message.test(error.message),
      bytes,
    )
  }
})

test('no key reaches a prototype', () => {
  const value = readCbor(hex('a1 69 5f5f70726f746f5f5f a1 616101')) as object
  assert.deepEqual(Object.keys(value), ['__proto__'])
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
})

test('any bytes end in a value or a CborError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        readCbor(Buffer.from(bytes))
      } catch (error) {
        assert.ok(error instanceof CborError, `${error}`)
      }
    }),
    { numRuns: 20_000 },
  )
})
