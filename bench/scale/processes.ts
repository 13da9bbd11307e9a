/** Server processes over one table: how long start and swap take as it grows, and what two of them share. */
import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { enlargeBundle } from '../service/enlarge.ts'
import { measure } from '../service/measure.ts'
import { type Service, startService } from '../service/stack.ts'
import { type Memory, memoryOf } from './memory.ts'

export type Start = {
  items: number
  table_bytes: number
  /** From the start of the process to its first answer of readiness; the golden requests are replayed in between. */
  start_ms: number
  /** From the request of a reload to its answer, medians of three: the new bundle is open, checked, warm and swapped. */
  swap_ms: number
}

export type Sharing = { processes: number; memory: Memory[]; rss_sum_bytes: number; pss_sum_bytes: number }

const SWAPS = 3
const SETTINGS = { EMBEDDED_BYTES_MAX: `${2 ** 31}` }

export type Bed = { source: string; folder: string }

export async function startAndSwap({ source, folder }: Bed, sizes: number[]): Promise<Start[]> {
  const found: Start[] = []
  for (const items of sizes) {
    const bundle = join(folder, 'start')
    enlargeBundle({ bundle: source, into: bundle, items })
    const began_ms = performance.now()
    const service = await startService({ ...SETTINGS, BUNDLE_DIR: bundle })
    const start_ms = performance.now() - began_ms
    const swaps: number[] = []
    for (let swap = 0; swap < SWAPS; swap++) swaps.push(await timeSwap(service))
    await service.stop()
    const swap_ms = swaps.sort((a, b) => a - b)[SWAPS >> 1]
    found.push({ items, table_bytes: statSync(join(bundle, 'items.table')).size, start_ms, swap_ms })
    rmSync(bundle, { recursive: true })
  }
  return found
}

async function timeSwap({ url }: Service): Promise<number> {
  const began_ms = performance.now()
  const response = await fetch(new URL('/v1/admin/reload', url), { method: 'POST' })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`reload: ${response.status} ${body.slice(0, 300)}`)
  return performance.now() - began_ms
}

/** One process, then a second one beside it; each is asked for candidates all over the table before memory is read. */
export async function share(
  { source, folder }: Bed,
  { items, processes }: { items: number; processes: number },
): Promise<Sharing[]> {
  const bundle = join(folder, 'share')
  enlargeBundle({ bundle: source, into: bundle, items })
  const services: Service[] = []
  const found: Sharing[] = []
  try {
    for (let count = 1; count <= processes; count++) {
      services.push(await startService({ ...SETTINGS, BUNDLE_DIR: bundle }))
      for (const { url } of services) {
        const load = { url, bundle, format: 'cbor', candidates: 100_000, bodies: 16 } as const
        await measure({ ...load, connections: 1, seconds: 1, requests: 64, seed: count })
      }
      const memory = services.map(({ pid }) => memoryOf(pid))
      const sum = (key: keyof Memory) => memory.reduce((total, one) => total + one[key], 0)
      found.push({ processes: count, memory, rss_sum_bytes: sum('rss_bytes'), pss_sum_bytes: sum('pss_bytes') })
    }
    return found
  } finally {
    for (const service of services) await service.stop()
    rmSync(bundle, { recursive: true, force: true })
  }
}
