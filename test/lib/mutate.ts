/** Hostile bodies: damage to the bytes or to the values of a good one. */
import type { Random } from './random.ts'

export type Body = Record<string, unknown>

/** Cuts, repeats, drops, flips and inserts: one to four times. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let mutant = Buffer.from(bytes)
  for (let round = 0; round <= random.integer(4); round++) {
    const at = random.integer(mutant.length + 1)
    const length = random.integer(9)
    const [before, middle, rest] = [
      mutant.subarray(0, at),
      mutant.subarray(at, at + length),
      mutant.subarray(at + length),
    ]
    const noise = Buffer.from(Array.from({ length }, () => random.integer(256)))
    const kinds = [
      before,
      [before, rest],
      [before, middle, middle, rest],
      [before, noise, rest],
      [before, noise, middle, rest],
    ]
    mutant = Buffer.concat([kinds[random.integer(kinds.length)]].flat())
    if (mutant.length > 0) mutant[random.integer(mutant.length)] ^= 1 << random.integer(8)
  }
  return mutant
}

const ODD_VALUES: unknown[] = [
  ...[null, true, '', 'x', -1, 0, 0.5, 2 ** 53, 1e308, -0, [], {}, [[]], [null], { ids: [] }, 'u'.repeat(600)],
  ...['\ud800', '__proto__', { constructor: 1 }, [1, 'a'], Array(30).fill(1), '12345678901234567890'],
]
const CBOR_VALUES: unknown[] = [
  Number.NaN,
  -Infinity,
  2n ** 64n - 1n,
  Float32Array.of(1),
  new BigInt64Array(2),
  new Uint8Array(20),
  new Float64Array(20),
]

/** Somewhere in the body a value becomes another one, a name another name, or a member goes. */
export function mutateValue(random: Random, body: Body, cbor: boolean): Body {
  const values = cbor ? [...ODD_VALUES, ...CBOR_VALUES] : ODD_VALUES
  let holder = body
  for (;;) {
    const keys = Object.keys(holder)
    const key = keys[random.integer(keys.length)]
    const inner = holder[key]
    const goesOn =
      typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 && random.uniform() < 0.7
    if (goesOn && !ArrayBuffer.isView(inner)) {
      holder = inner as Body
      continue
    }
    const kind = random.integer(10)
    if (kind === 0) delete holder[key]
    else if (kind === 1) holder[`${key}x`] = inner
    else holder[key] = values[random.integer(values.length)]
    return body
  }
}
