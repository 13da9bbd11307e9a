/** `prerank sequences build`: engagement log → the last engagements of every user before a time, as one snapshot. */
import { type EngagementEvent, encodeEvents, sequenceKey } from '../../features/sequence.ts'
import { type SnapshotRecord, writeSnapshot } from '../../store/snapshot.ts'
import { openNames } from '../counts/names.ts'
import { DuckSession } from '../duck/session.ts'
import { sqlFile } from '../duck/sql_file.ts'
import { type EventsOptions, openEvents } from '../events/events.ts'
import type { RowReport } from '../events/report.ts'
import type { Job, Resources } from '../run/job.ts'
import { openWorkspace } from '../run/workspace.ts'

export type SequencesOptions = Omit<EventsOptions, 'session' | 'whole_days'> & {
  output: string
  /** Events kept of a user. */
  length: number
  resources: Resources
  job: Job
}
export type SequencesResult = { output: string; as_of_ms: number; log: RowReport; users: number }

export async function buildSequences(options: SequencesOptions): Promise<SequencesResult> {
  const workspace = await openWorkspace(options.output)
  try {
    const session = await DuckSession.open({ ...options, directory: workspace.directory })
    try {
      const { as_of_ms, report } = await openEvents({ ...options, session })
      const catalogue = options.items === undefined ? 0 : 1
      await session.task('selecting engagements', sqlFile('sequences_events', { as_of_ms, catalogue }))
      const users = await writeSnapshot(workspace.path('sequences.snapshot'), packSequences(session, options))
      await workspace.publish('sequences.snapshot', options.output)
      return { output: options.output, as_of_ms, log: report, users }
    } finally {
      session.close()
    }
  } finally {
    await workspace.close()
  }
}

async function* packSequences(session: DuckSession, { job, length }: SequencesOptions): AsyncGenerator<SnapshotRecord> {
  const names = openNames(session, 'SELECT user_number, user_id FROM sequence_users ORDER BY user_number')
  const step = job.progress.step('packing sequences', { unit: 'users' })
  let packed = 0
  try {
    for await (const { user_number, events } of byUser(session, length)) {
      yield { key: sequenceKey(await names.of(user_number)), value: encodeEvents(events) }
      step.advance(++packed)
    }
  } finally {
    await names.close()
  }
  step.finish(`${packed.toLocaleString('en-US')} users`)
}

async function* byUser(
  session: DuckSession,
  length: number,
): AsyncGenerator<{ user_number: number; events: EngagementEvent[] }> {
  let user_number = -1
  let events: EngagementEvent[] = []
  for await (const chunk of session.chunks(sqlFile('sequences_ordered'))) {
    const [users, keys, codes, times] = [0, 1, 2, 3].map((column) => chunk.getColumnVector(column))
    for (let at = 0; at < chunk.rowCount; at++) {
      const user = Number(users.getItem(at))
      if (user !== user_number) {
        if (events.length > 0) yield { user_number, events }
        user_number = user
        events = []
      }
      if (events.length === length) continue
      events.push({
        key: keys.getItem(at) as bigint,
        action: Number(codes.getItem(at)),
        time_ms: Number(times.getItem(at)),
      })
    }
  }
  if (events.length > 0) yield { user_number, events }
}
