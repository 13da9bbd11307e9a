/** `prerank doctor`: would the service start with this environment, what would it answer with, and what does it cost? */
import { describeGolden } from '../../bundle/golden.ts'
import type { Config } from '../../config.ts'
import { loadKernel } from '../../kernel/load.ts'
import type { Serving } from '../../prerank/serving.ts'
import { verifyGolden } from '../../prerank/verify.ts'
import { openEvalServing } from '../eval/serving.ts'
import type { Target } from '../load/client.ts'
import { formatCount } from '../run/format.ts'
import { type Check, fail, ok, warn } from './check.ts'
import { type Latency, measureLatency } from './latency.ts'
import { embeddedChecks, redisChecks } from './store_checks.ts'

const NODE_MAJOR_MIN = 24
/** Keys, rows, scores and caller columns of one candidate while its request is in flight. */
const CANDIDATE_BYTES = 48

export type Memory = { what: string; bytes: number }
export type Diagnosis = { checks: Check[]; memory: Memory[]; latency: Latency[] }
export type DoctorOptions = { config: Config; directory: string; redis?: Target; now_ms: number }

export async function diagnose(options: DoctorOptions): Promise<Diagnosis> {
  const checks = [nodeCheck(), kernelCheck(options.config)]
  const base_bytes = process.memoryUsage.rss()
  const { serving, close } = await open(options).catch((error: Error) => {
    checks.push(
      fail('bundle', error.message, 'build or fetch what is named here; prerank items build makes items.table'),
    )
    return { serving: null, close: async () => {} }
  })
  if (serving === null) return { checks, memory: [], latency: [] }
  try {
    checks.push(bundleCheck(serving), await goldenCheck(serving), ...(await storeChecks(serving, options)))
    const memory = forecast(serving, options.config, base_bytes)
    return { checks, memory, latency: await measureLatency(serving) }
  } finally {
    await close()
  }
}

function open({ config, directory }: DoctorOptions) {
  const precision = config.tower_precision === 'manifest' ? undefined : config.tower_precision
  const resources = { memory_bytes: config.embedded_bytes_max, threads: config.tower_threads }
  return openEvalServing({ directory, precision, resources })
}

function nodeCheck(): Check {
  const major = Number(process.versions.node.split('.')[0])
  const detail = `${process.version} ${process.platform} ${process.arch}`
  return major >= NODE_MAJOR_MIN
    ? ok('node', detail)
    : fail('node', detail, `run it through npm or npx, which take Node ${NODE_MAJOR_MIN} from node_modules`)
}

function kernelCheck({ prerank_kernel }: Config): Check {
  try {
    const loaded = loadKernel(prerank_kernel === 'auto' ? undefined : prerank_kernel)
    const detail = `${loaded.kernel.name}: ${loaded.reason}`
    return loaded.kernel.name === 'native'
      ? ok('kernel', detail)
      : warn('kernel', detail, 'install a C compiler and run npm run postinstall: the reference is many times slower')
  } catch (error) {
    return fail('kernel', (error as Error).message, 'unset PRERANK_KERNEL, or build it with npm run postinstall')
  }
}

function bundleCheck({ bundle }: Serving): Check {
  const { name, version, fingerprint } = bundle.manifest
  const { rows, dtype } = bundle.table.info
  return ok(
    'bundle',
    `${name} ${version} (${fingerprint.slice(0, 16)}…), ${formatCount(rows)} items in ${dtype}, ${bundle.precision} tower`,
  )
}

async function goldenCheck(serving: Serving): Promise<Check> {
  try {
    return ok('golden', describeGolden(await verifyGolden(serving)))
  } catch (error) {
    return fail(
      'golden',
      (error as Error).message,
      'rebuild items.table from the catalogue that this bundle was exported with',
    )
  }
}

async function storeChecks({ bundle }: Serving, { directory, redis, now_ms }: DoctorOptions): Promise<Check[]> {
  if (!redis) return embeddedChecks(directory, bundle.manifest, now_ms)
  try {
    return await redisChecks(redis, bundle.manifest, now_ms)
  } catch (error) {
    return [
      fail('redis', (error as Error).message, 'check REDIS_URL and REDIS_CLUSTER; without it every answer is degraded'),
    ]
  }
}

/** Resident memory once everything was touched; the table is shared between processes and can be dropped under pressure. */
function forecast({ bundle, store }: Serving, config: Config, base_bytes: number): Memory[] {
  // The checksums were read through, so the whole table is resident already.
  const opened = process.memoryUsage.rss() - base_bytes - bundle.table.info.bytes
  const store_bytes = store.state().kind === 'embedded' && !config.redis_url ? 'tower and features' : 'tower'
  return [
    { what: 'node', bytes: base_bytes },
    { what: `${store_bytes}, as opened`, bytes: Math.max(opened, 0) },
    {
      what: `item table, mapped (${(bundle.table.info.bytes / bundle.table.info.rows).toFixed(0)} bytes an item)`,
      bytes: bundle.table.info.bytes,
    },
    ...(config.redis_url ? [{ what: 'count blob cache, at most', bytes: config.blob_cache_bytes }] : []),
    {
      what: `one request of ${formatCount(config.candidates_max)} candidates`,
      bytes: config.candidates_max * CANDIDATE_BYTES,
    },
  ]
}
