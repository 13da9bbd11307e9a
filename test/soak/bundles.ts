/** What the soak serves: the demo bundle, a second version whose scores all differ, and one that must be refused. */
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '../../src/bundle/manifest.ts'
import { fingerprintOf } from '../../src/bundle/read_manifest.ts'
import { checksum } from '../../src/items/checksum.ts'
import { AT, HEADER_BYTES } from '../../src/items/format.ts'

export const DEMO = new URL('../../models/demo', import.meta.url).pathname

/** The second version's scores are these of the first: far enough apart that no answer can pass for the other. */
const SLOPE = 1.25
const SHIFT = 0.5

type Golden = { requests: { scores: number[] }[] }

export type Version = { name: string; version: string }

/** Without features: Redis has them. */
export function copyDemo(directory: string): Version {
  cpSync(DEMO, directory, { recursive: true, filter: (path) => !path.includes('features') })
  return { name: 'a', version: readManifest(directory).version }
}

export function writeSecond(directory: string): Version {
  copyDemo(directory)
  const manifest = readManifest(directory)
  const { fingerprint } = manifest
  manifest.version = `${manifest.version}-second`
  const last = manifest.fusion.kind === 'mlp' ? manifest.fusion.layers.at(-1)! : manifest.fusion
  last.weights = last.weights.map((weight) => SLOPE * weight)
  if (typeof last.bias === 'number') last.bias = SLOPE * last.bias + SHIFT
  else last.bias = last.bias.map((bias) => SLOPE * bias + SHIFT)
  manifest.files[manifest.golden.file] = rewriteGolden(join(directory, manifest.golden.file))
  const unsigned = Buffer.from(JSON.stringify(manifest))
  manifest.fingerprint = fingerprintOf(unsigned, fingerprint)
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest))
  signTable(join(directory, 'items.table'), manifest.fingerprint)
  return { name: 'b', version: manifest.version }
}

/** One byte of an item is another one. */
export function writeBroken(directory: string): void {
  copyDemo(directory)
  const path = join(directory, 'items.table')
  const bytes = readFileSync(path)
  bytes[HEADER_BYTES + 1000] ^= 64
  writeFileSync(path, bytes)
}

const readManifest = (directory: string): Manifest => JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'))

/** The file's hash. */
function rewriteGolden(path: string): string {
  const golden: Golden = JSON.parse(readFileSync(path, 'utf8'))
  for (const request of golden.requests) request.scores = request.scores.map((score) => SLOPE * score + SHIFT)
  const bytes = JSON.stringify(golden)
  writeFileSync(path, bytes)
  return createHash('sha256').update(bytes).digest('hex')
}

function signTable(path: string, fingerprint: string): void {
  const bytes = readFileSync(path)
  bytes.write(fingerprint, AT.fingerprint, 'hex')
  bytes.writeBigUInt64LE(0n, AT.checksum)
  bytes.writeBigUInt64LE(checksum(bytes.subarray(0, HEADER_BYTES)), AT.checksum)
  writeFileSync(path, bytes)
}
