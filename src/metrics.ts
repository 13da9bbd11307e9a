/** Every metric of the service. The app owns the registry; nothing here is global. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { ageGauge } from './age_gauge.ts'
import { eventLoopDelayGauge } from './event_loop_delay.ts'
import { countTally, histogramTally, levelTally } from './tally.ts'

/** 0.1 ms to 100 ms in steps of about 1.5, then the tail. */
const SECONDS = [
  0.0001, 0.00015, 0.00025, 0.0004, 0.0006, 0.001, 0.0015, 0.0025, 0.004, 0.006, 0.01, 0.015, 0.025, 0.04, 0.06, 0.1,
  0.25, 1, 5,
]
const CANDIDATES = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 200_000]
const BATCH = [1, 2, 4, 8, 16, 32, 64, 128]
const DELAY_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 3600, 6 * 3600, 86_400]
const RELOAD_SECONDS = [0.1, 0.3, 1, 3, 10, 30, 100, 300]
const AGE_SECONDS = [60, 600, 3600, 6 * 3600, 86_400, 2 * 86_400, 7 * 86_400, 30 * 86_400]

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  let queueDepth = () => 0
  let isTableDamaged = () => false
  let inFlight = () => ({ candidates: 0, bytes: 0 })
  collectDefaultMetrics({ register: registry })
  eventLoopDelayGauge({
    name: 'prerank_event_loop_delay_seconds',
    help: 'How late the main thread’s event loop was since the last scrape; 0 where it was on time.',
    registers,
  })
  return {
    registry,
    /** Where the depth of the tower's queue is read from, at every scrape. */
    watchTowerQueue(depth: () => number) {
      queueDepth = depth
    },
    /** Asked at every scrape. */
    watchTable(isDamaged: () => boolean) {
      isTableDamaged = isDamaged
    },
    /** Where the sizes of what is in flight are read from, at every scrape. */
    watchInFlight(sizes: typeof inFlight) {
      inFlight = sizes
    },
    requests: countTally({
      name: 'prerank_http_requests_total',
      help: 'Answers by route, status and error code.',
      labelNames: ['route', 'status', 'code'],
      registers,
    }),
    request: histogramTally({
      name: 'prerank_request_duration_seconds',
      help: 'From the end of the headers to the encoded answer, by wire format; a body that comes slowly counts.',
      labelNames: ['format'],
      buckets: SECONDS,
      registers,
    }),
    stage: histogramTally({
      name: 'prerank_stage_duration_seconds',
      help: 'Time in one stage of a request.',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    }),
    candidates: histogramTally({
      name: 'prerank_candidates',
      help: 'Candidates per request.',
      buckets: CANDIDATES,
      registers,
    }),
    outcomes: countTally({
      name: 'prerank_candidates_total',
      help: 'Candidates by what became of them: scored, unknown to the item table, or a duplicate.',
      labelNames: ['outcome'],
      registers,
    }),
    featureReads: countTally({
      name: 'prerank_feature_reads_total',
      help: 'Values read from the store, by feature and whether they were there.',
      labelNames: ['feature', 'outcome'],
      registers,
    }),
    featureAge: histogramTally({
      name: 'prerank_feature_age_seconds',
      help: 'Age of a feature when it was read: newest event, as-of time of the counts.',
      labelNames: ['feature'],
      buckets: AGE_SECONDS,
      registers,
    }),
    newestEvent: ageGauge({
      name: 'prerank_newest_event_age_seconds',
      help: 'Age of the newest event that was applied here or read in a sequence.',
      registers,
    }),
    batchBuild: ageGauge({
      name: 'prerank_batch_build_age_seconds',
      help: 'Age of the newest batch build of counts that was read: its as-of time.',
      registers,
    }),
    engagements: countTally({
      name: 'prerank_engagements_total',
      help: 'Engagements by what became of them.',
      labelNames: ['outcome'],
      registers,
    }),
    engagementDelay: histogramTally({
      name: 'prerank_engagement_delay_seconds',
      help: 'From the time of an engagement to its arrival.',
      buckets: DELAY_SECONDS,
      registers,
    }),
    degraded: countTally({
      name: 'prerank_degraded_total',
      help: 'Answers given without a feature, by feature and reason.',
      labelNames: ['feature', 'reason'],
      registers,
    }),
    blobCache: countTally({
      name: 'prerank_blob_cache_reads_total',
      help: 'Look-ups of count blobs kept in memory.',
      labelNames: ['outcome'],
      registers,
    }),
    towerBatch: histogramTally({
      name: 'prerank_tower_batch_size',
      help: 'Requests that shared a run of the query tower.',
      buckets: BATCH,
      registers,
    }),
    towerQueue: new Gauge({
      name: 'prerank_tower_queue_depth',
      help: 'Requests that wait for the query tower.',
      registers,
      collect() {
        this.set(queueDepth())
      },
    }),
    tableDamaged: new Gauge({
      name: 'prerank_item_table_damaged',
      help: '1 when the file of the item table that is served has lost bytes: no request is answered until a reload.',
      registers,
      collect() {
        this.set(Number(isTableDamaged()))
      },
    }),
    inFlight: levelTally({
      name: 'prerank_requests_in_flight',
      help: 'Requests being answered.',
      registers,
    }),
    candidatesInFlight: new Gauge({
      name: 'prerank_candidates_in_flight',
      help: 'Candidates of requests being answered.',
      registers,
      collect() {
        this.set(inFlight().candidates)
      },
    }),
    bodiesInFlight: new Gauge({
      name: 'prerank_body_bytes_in_flight',
      help: 'Memory of bodies of requests being answered.',
      registers,
      collect() {
        this.set(inFlight().bytes)
      },
    }),
    turnWait: histogramTally({
      name: 'prerank_turn_wait_seconds',
      help: 'From the last byte of the body until the main thread took the request up.',
      buckets: SECONDS,
      registers,
    }),
    dropped: countTally({
      name: 'prerank_dropped_total',
      help: 'Requests that were given up, by reason (deadline_exceeded, client_gone) and the stage they had reached.',
      labelNames: ['reason', 'stage'],
      registers,
    }),
    shed: countTally({
      name: 'prerank_shed_total',
      help: 'Requests refused without work, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    reloads: countTally({
      name: 'prerank_reloads_total',
      help: 'Bundles that were to take over from the serving one, by what became of them.',
      labelNames: ['outcome'],
      registers,
    }),
    reload: histogramTally({
      name: 'prerank_reload_duration_seconds',
      help: 'From the start of a reload to the swap or the rejection.',
      labelNames: ['outcome'],
      buckets: RELOAD_SECONDS,
      registers,
    }),
    bundle: new Gauge({
      name: 'prerank_bundle_info',
      help: '1 for the bundle that is served.',
      labelNames: ['name', 'version', 'fingerprint'],
      registers,
    }),
  }
}
