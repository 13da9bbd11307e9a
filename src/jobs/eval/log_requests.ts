/**
 * Held-out requests straight from an engagement log: what was shown in each request after the split time is what gets
 * ranked again. Sequences are those that serving would have had, the user's engagements before the request.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Manifest } from '../../bundle/manifest.ts'
import { xxh32 } from '../../features/hash.ts'
import { SEQUENCE_EVENTS_MAX } from '../../features/sequence.ts'
import { DuckSession, type Row } from '../duck/session.ts'
import { sqlFile } from '../duck/sql_file.ts'
import { openEvents } from '../events/events.ts'
import { CONTEXT } from '../events/source_view.ts'
import { type Job, JobError, type Resources } from '../run/job.ts'
import type { HeldOutRequest } from './requests.ts'

/** Of an engaged item; the strongest action counts, as in training. */
const GAINS: Record<string, number> = { click: 1, long_click: 2, save: 3 }

export type LogRequestsOptions = {
  events: string
  manifest: Manifest
  split_ms: number
  requests_max: number
  bad_share_max: number
  resources: Resources
  job: Job
}

type SequenceEvent = { item: string | number; action: string; time: number }

export async function* requestsOfLog(options: LogRequestsOptions): AsyncGenerator<HeldOutRequest> {
  const directory = await mkdtemp(join(tmpdir(), 'prerank-eval-'))
  try {
    const session = await DuckSession.open({ ...options, directory })
    try {
      await openEvents({ ...options, session })
      await session.task('finding requests', sqlFile('eval_requests', { split_ms: options.split_ms }))
      yield* inTimeOrder(session, options)
    } finally {
      session.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function* inTimeOrder(session: DuckSession, options: LogRequestsOptions): AsyncGenerator<HeldOutRequest> {
  const found = await countRequests(session, options)
  const every = Math.ceil(found / options.requests_max)
  const sequences = sequencesUntil(session, options.manifest)
  try {
    for await (const row of session.objects('SELECT * FROM eval_requests ORDER BY time_ms, request_id')) {
      // Which requests are taken follows from their ids, so a rerun takes the same ones.
      if (xxh32(String(row.request_id)) % every !== 0) continue
      yield toRequest(row, options.manifest, await sequences.of(row))
    }
  } finally {
    await sequences.close()
  }
}

/** Throws where there are none, and where what shares an id is more than one search, as where it is a session's. */
async function countRequests(session: DuckSession, { events }: LogRequestsOptions): Promise<number> {
  const [{ found }] = await session.rows('SELECT count(*) AS found FROM eval_requests')
  if (Number(found) === 0) {
    throw new JobError(
      `${events}: no request after the split with something shown and engaged with; expected a log with ` +
        'request_id and impressions, or a file of requests (--requests)',
    )
  }
  const [mixed] = await session.rows(
    'SELECT request_id, users, queries FROM eval_requests WHERE users > 1 OR queries > 1 ORDER BY time_ms, request_id LIMIT 1',
  )
  if (!mixed) return Number(found)
  const { request_id, users, queries } = mixed
  throw new JobError(
    `${events}: request_id ${JSON.stringify(request_id)}: found ${users} users and ${queries} queries, expected one search of one person`,
  )
}

/** Follows the log in time and remembers every user's last engagements. */
function sequencesUntil(session: DuckSession, { items, sequence }: Manifest) {
  const length = sequence?.length ?? SEQUENCE_EVENTS_MAX
  const users = new Map<string, SequenceEvent[]>()
  const events = session.objects(`
    SELECT time_ms, user_id, item, events.action FROM events_checked AS events
    JOIN known_actions AS known ON known.action = events.action AND known.code > 0
    WHERE reason IS NULL AND user_id IS NOT NULL ORDER BY time_ms, file_index, file_row_number`)
  let next: Row | undefined

  async function advance(until_ms: number): Promise<void> {
    for (;;) {
      next ??= (await events.next()).value ?? undefined
      if (next === undefined || Number(next.time_ms) >= until_ms) return
      const user = String(next.user_id)
      const event = {
        item: asId(String(next.item), items.id_kind),
        action: String(next.action),
        time: Number(next.time_ms),
      }
      users.set(user, [event, ...(users.get(user) ?? [])].slice(0, length))
      next = undefined
    }
  }

  return {
    async of(request: Row): Promise<SequenceEvent[]> {
      await advance(Number(request.time_ms))
      return users.get(String(request.user_id)) ?? []
    },
    close: () => events.return(undefined),
  }
}

function toRequest(row: Row, { items }: Manifest, sequence: SequenceEvent[]): HeldOutRequest {
  const shown = row.items as string[]
  const done = row.actions as string[]
  const engaged: Record<string, number> = {}
  for (const [at, action] of done.entries()) {
    const gain = GAINS[action] ?? 0
    if (gain > (engaged[shown[at]] ?? 0)) engaged[shown[at]] = gain
  }
  const context = Object.fromEntries(CONTEXT.flatMap((name) => (row[name] === null ? [] : [[name, row[name]]])))
  const id = row.user_id === null ? {} : { id: String(row.user_id) }
  const candidates = [...new Set(shown)].sort().map((item) => asId(item, items.id_kind))
  return {
    now_ms: Number(row.time_ms),
    request: { query: { text: String(row.query) }, user: { ...id, ...context, sequence }, candidates },
    engaged,
  }
}

/** As JSON carries it: a number where one holds it exactly. */
function asId(item: string, id_kind: 'u64' | 'string'): string | number {
  return id_kind === 'u64' && Number.isSafeInteger(Number(item)) ? Number(item) : item
}
