/** A manifest from its file: readable, valid field by field, agreeing with itself, and carrying its own fingerprint. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestProblems } from './checks.ts'
import { Manifest } from './manifest.ts'
import { type Problem, refuseProblems } from './problems.ts'
import { createSchemaProblems } from './schema_problems.ts'

const schemaProblems = createSchemaProblems(Manifest)

export async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, 'manifest.json')
  return parseManifest(await readFile(path), path)
}

/** Throws a BundleError with every problem; those that need a valid schema come once the schema holds. */
export function parseManifest(bytes: Buffer, path: string): Manifest {
  const manifest: unknown = parseJson(bytes, path)
  refuseProblems(path, schemaProblems(manifest))
  const valid = manifest as Manifest
  refuseProblems(path, [...manifestProblems(valid), ...fingerprintProblems(bytes, valid)])
  return valid
}

/** SHA-256 of the manifest's bytes with the 64 digits of its fingerprint written as zeros (docs/formats.md §9). */
export function fingerprintOf(bytes: Buffer, fingerprint: string): string {
  const zeroed = Buffer.from(bytes)
  const at = zeroed.indexOf(fingerprint)
  if (at >= 0) zeroed.fill('0', at, at + fingerprint.length)
  return createHash('sha256').update(zeroed).digest('hex')
}

function fingerprintProblems(bytes: Buffer, { fingerprint }: Manifest): Problem[] {
  const expected = fingerprintOf(bytes, fingerprint)
  if (expected === fingerprint) return []
  return [{ path: 'fingerprint', found: fingerprint, expected: `${expected}, that of this file: it was changed` }]
}

function parseJson(bytes: Buffer, path: string): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch (error) {
    throw new Error(`${path}: not JSON: ${(error as Error).message}`, { cause: error })
  }
}
