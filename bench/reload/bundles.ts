/** Two bundles that answer alike but for one point more in every score: no answer can pass for the other's. */
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '../../src/bundle/manifest.ts'
import { fingerprintOf } from '../../src/bundle/read_manifest.ts'
import { enlargeBundle } from '../service/enlarge.ts'

export const NAMES = ['plain', 'shifted'] as const
export const SHIFT = 1

type Golden = { requests: { scores: number[] }[] }

/** A directory of bundles with both, `current` on the plain one. */
export function makeBundles({ bundle, root, items }: { bundle: string; root: string; items: number }): void {
  const [plain, shifted] = NAMES.map((name) => join(root, name))
  enlargeBundle({ bundle, into: plain, items })
  const small = join(root, 'small')
  cpSync(bundle, small, { recursive: true })
  shift(small)
  enlargeBundle({ bundle: small, into: shifted, items })
  rmSync(small, { recursive: true })
  symlinkSync(NAMES[0], join(root, 'current'))
}

/** The item table keeps the old fingerprint; the enlarged one takes that of the manifest. */
function shift(bundle: string): void {
  const read = (file: string) => readFileSync(join(bundle, file), 'utf8')
  const manifest: Manifest = JSON.parse(read('manifest.json'))
  const { requests }: Golden = JSON.parse(read('golden.json'))
  for (const request of requests) request.scores = request.scores.map((score) => score + SHIFT)
  const golden = JSON.stringify({ requests })
  const { fusion } = manifest
  if (fusion.kind === 'linear') fusion.bias += SHIFT
  else fusion.layers[fusion.layers.length - 1].bias[0] += SHIFT
  manifest.version += '-shifted'
  manifest.files['golden.json'] = createHash('sha256').update(golden).digest('hex')
  manifest.fingerprint = '0'.repeat(64)
  manifest.fingerprint = fingerprintOf(Buffer.from(JSON.stringify(manifest)), manifest.fingerprint)
  writeFileSync(join(bundle, 'golden.json'), golden)
  writeFileSync(join(bundle, 'manifest.json'), JSON.stringify(manifest))
}
