/**
 * Mutated item tables and count blobs: whatever their bytes, the answer is a result or one of our errors, never a crash, a
 * hang or a read outside (which the sanitized build of bench/kernel/sanitize.sh would report). As a program:
 *
 *   node test/kernel/fuzz.ts <mutations of each kind> [seed]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { checksum } from '../../src/items/checksum.ts'
import { ItemTableError } from '../../src/items/errors.ts'
import { AT, DTYPES, HEADER_BYTES } from '../../src/items/format.ts'
import { ItemTable } from '../../src/items/item_table.ts'
import { ItemTableWriter } from '../../src/items/item_table_writer.ts'
import { KernelInputError } from '../../src/kernel/errors.ts'
import { type Kernel, NO_ROW, type ScoreInput } from '../../src/kernel/kernel.ts'
import { createRandom, type Random } from '../lib/random.ts'
import { kernels, keyOf, randomBlob, randomFormula, randomInput, withTables } from './world.ts'

export type Outcome = { accepted: number; refused: number }

const ROWS = 60
const MANY = 4200
const ANY_KEYS = new BigUint64Array(MANY)

/** Items of every kind of section, in each dtype. */
function seedTables(folder: string, random: Random): Uint8Array[] {
  return DTYPES.map((dtype, index) => {
    const path = join(folder, 'seed')
    const strings = index > 0
    const writer = ItemTableWriter.create(path, {
      ...{ dims: 7 + index, dtype, sketch: dtype !== 'int8', id_kind: strings ? 'string' : 'u64' },
      ...{ content_dims: 3, scalars: ['age', 'sales'] },
    })
    const values = (n: number) => Float32Array.from({ length: n }, () => random.normal())
    writer.append({
      ids: strings
        ? Array.from({ length: ROWS }, (_, i) => `item ${i}`)
        : BigUint64Array.from({ length: ROWS }, (_, i) => keyOf(i)),
      ...{ vectors: values(ROWS * (7 + index)), scalars: values(ROWS * 2), content: values(ROWS * 3) },
    })
    writer.finish()
    return readFileSync(path)
  })
}

const ODD_NUMBERS = [0, 1, 2, 5, 63, 64, 255, 256, 65535, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]

/** Bits, bytes, numbers, runs and lengths; the header's checksum is mostly put right, so that the rest is reached. */
export function mutate(seed: Uint8Array, random: Random, fix: (bytes: Buffer) => void): Buffer {
  let bytes = Buffer.from(seed)
  for (let left = 1 + random.integer(4); left > 0; left--) {
    // Half of the changes go to the start, where the counts and offsets stand.
    const at = random.integer(random.uniform() < 0.5 ? Math.min(256, bytes.length) : bytes.length)
    const run = 1 + random.integer(Math.min(64, bytes.length - at))
    switch (random.integer(6)) {
      case 0:
        bytes[at] ^= 1 << random.integer(8)
        break
      case 1:
        bytes[at] = random.integer(256)
        break
      case 2:
        bytes.writeUInt32LE(ODD_NUMBERS[random.integer(ODD_NUMBERS.length)], Math.min(at & ~3, bytes.length - 4))
        break
      case 3:
        bytes.fill(random.uniform() < 0.5 ? 255 : 0, at, at + run)
        break
      case 4:
        bytes.copyWithin(random.integer(bytes.length), at, at + run)
        break
      default:
        bytes = random.uniform() < 0.8 ? bytes : Buffer.from(bytes.subarray(0, Math.max(8, at)))
    }
  }
  if (random.uniform() < 0.9) fix(bytes)
  return bytes
}

function fixHeader(bytes: Buffer): void {
  if (bytes.length < HEADER_BYTES) return
  bytes.writeBigUInt64LE(0n, AT.checksum)
  bytes.writeBigUInt64LE(checksum(bytes.subarray(0, HEADER_BYTES)), AT.checksum)
}

function fixBlob(bytes: Buffer): void {
  if (bytes.length > 32) bytes.writeBigUInt64LE(checksum(bytes.subarray(32)), 24)
}

/** Opens every mutation and uses all of it. */
export async function fuzzTables({ count, seed }: { count: number; seed: number }): Promise<Outcome> {
  const random = createRandom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'prerank-fuzz-'))
  const outcome = { accepted: 0, refused: 0 }
  try {
    const seeds = seedTables(folder, random)
    const subjects = kernels()
    const path = join(folder, 'mutated')
    for (let round = 0; round < count; round++) {
      // Mappings go in a turn of the event loop of their own; calls this small never give it one.
      if (round % 64 === 0) await turn()
      writeFileSync(path, mutate(seeds[round % seeds.length], random, fixHeader))
      const checksums = random.uniform() < 0.05
      const kernel = subjects[round % 10 === 0 ? 0 : subjects.length - 1]
      const accepted = await attempt(() => useTable(path, { kernel, checksums, round }))
      outcome[accepted ? 'accepted' : 'refused']++
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  return outcome
}

type Use = { kernel: Kernel; checksums: boolean; round: number }

async function useTable(path: string, { kernel, checksums, round }: Use): Promise<void> {
  const table = ItemTable.open(path, { checksums })
  try {
    const { rows, content_dims, scalars } = table.info
    const some = Uint32Array.from({ length: Math.min(rows, 70) }, (_, i) => i)
    const keys = table.keysOf(some)
    table.rowsOf(keys)
    table.readContent(some, new Float32Array(some.length * content_dims))
    if (rows > 0) {
      const shape = { cross: round % 3, scalars: scalars.length, caller: 1, hidden: [4], blobs: 1, n: 40, seed: round }
      const input = await randomInput(kernel, table, shape)
      await kernel.topK(input, 10)
      await kernel.topK({ ...input, keys, rows: some, columns: [null], blobs: [] }, 10)
      if (kernel.name === 'native') await kernel.topK({ ...input, ...manyOf(rows), columns: [null], blobs: [] }, 10)
    }
    table.idsOf(some)
  } finally {
    table.close()
  }
}

/** So many that sketches are read: every row again and again, rows past the end, and what is none. */
function manyOf(rows: number): Pick<ScoreInput, 'rows' | 'keys'> {
  return {
    rows: Uint32Array.from({ length: MANY }, (_, i) => (i % 97 === 0 ? NO_ROW : i % (rows + 3))),
    keys: ANY_KEYS,
  }
}

/** Scores with every mutation, both trusting and checking its checksum. */
export async function fuzzBlobs({ count, seed }: { count: number; seed: number }): Promise<Outcome> {
  return withTables(async (make) => {
    const random = createRandom(seed)
    const table = make({ rows: 200, dims: 4, dtype: 'float32' })
    const outcome = { accepted: 0, refused: 0 }
    const shape = { cross: 3, scalars: 0, caller: 0, hidden: [5], blobs: 0, n: 64, seed }
    const subjects = kernels()
    const input = await randomInput(subjects[0], table, shape)
    const formula = randomFormula(random, shape)
    for (let round = 0; round < count; round++) {
      const good = randomBlob(random, { keys: input.keys, cross: 3 })
      const bad = { ...good, bytes: mutate(good.bytes, random, fixBlob), checked: random.uniform() < 0.5 }
      const blobs = random.uniform() < 0.5 ? [bad] : [good, bad]
      const results = []
      for (const kernel of subjects) {
        results.push(await attempt(() => scoreOnce(kernel, { ...input, formula, blobs })))
      }
      if (new Set(results).size > 1) throw new Error(`kernels disagree on whether blob mutation ${round} is good`)
      outcome[results[0] ? 'accepted' : 'refused']++
    }
    return outcome
  })
}

async function scoreOnce(kernel: Kernel, input: Parameters<Kernel['topK']>[0]): Promise<void> {
  await kernel.topK(input, 5)
}

/** False when one of our errors was thrown; any other error is a finding. */
async function attempt(action: () => Promise<void>): Promise<boolean> {
  try {
    await action()
    return true
  } catch (error) {
    if (error instanceof ItemTableError || error instanceof KernelInputError) return false
    throw error
  }
}

if (import.meta.main) {
  const [count, seed] = [Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 1)]
  for (const [name, fuzz] of Object.entries({ tables: fuzzTables, blobs: fuzzBlobs })) {
    const start_ms = performance.now()
    const { accepted, refused } = await fuzz({ count, seed })
    const seconds = ((performance.now() - start_ms) / 1000).toFixed(1)
    console.log(`${name}: ${accepted + refused} mutations in ${seconds} s, ${accepted} accepted, ${refused} refused`)
  }
}
