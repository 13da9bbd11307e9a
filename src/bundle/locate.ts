/**
 * Where the bundle to serve is. BUNDLE_DIR is either one bundle, or a bundles directory: one directory per bundle and
 * `current`, which points at one of them: a symbolic link, or a file of one line with its name.
 *
 *     bundles/2026-11-20/manifest.json …
 *     bundles/2026-11-21/manifest.json …
 *     bundles/current → 2026-11-21
 *
 * What is found is the directory itself, behind every link, so that a pointer which moves meanwhile cannot make a bundle
 * of parts of two.
 */
import { lstat, readFile, realpath } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'

const POINTER = 'current'
/** A longer file is not a pointer. */
const POINTER_BYTES_MAX = 4096
/** One step down, nothing hidden: names come over the network. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

/** `name`: that bundle of the bundles directory, whatever `current` points at. */
export async function locateBundle(bundle_dir: string, name?: string): Promise<string> {
  const pointer = await pointerOf(bundle_dir)
  if (name === undefined) return behindLinks(pointer ?? bundle_dir)
  if (!pointer)
    throw new Error(`found the name of a bundle, ${name}, expected none: ${bundle_dir} is one bundle, not several`)
  return inside(bundle_dir, name)
}

/** Path that the pointer leads to; null where there is no pointer. */
async function pointerOf(bundle_dir: string): Promise<string | null> {
  const path = join(bundle_dir, POINTER)
  const entry = await lstat(path).catch(() => null)
  if (!entry?.isFile()) return entry && path
  if (entry.size > POINTER_BYTES_MAX) throw new Error(`${path}: found ${entry.size} bytes, expected one line`)
  const line = (await readFile(path, 'utf8')).trim()
  if (!line || /[\n\0]/.test(line))
    throw new Error(`${path}: found ${JSON.stringify(line.slice(0, 80))}, expected one line with a bundle's name`)
  return resolve(bundle_dir, line)
}

async function inside(bundle_dir: string, name: string): Promise<string> {
  if (!NAME.test(name) || name === POINTER)
    throw new Error(`found the bundle ${JSON.stringify(name.slice(0, 80))}, expected a name as ${NAME.source}`)
  const root = await behindLinks(bundle_dir)
  const directory = await behindLinks(join(root, name))
  if (!directory.startsWith(root + sep))
    throw new Error(`found the bundle ${name} outside of ${bundle_dir}, expected one within`)
  return directory
}

async function behindLinks(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(`${join(path, 'manifest.json')}: ${code === 'ENOENT' ? 'there is no such directory' : message}`)
  }
}
