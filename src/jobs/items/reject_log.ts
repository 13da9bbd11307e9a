/** Rejected items by reason, a few of each with where they stand. */
import { type Rejection, type RowReport, SAMPLES_MAX } from '../events/report.ts'
import type { RejectedItem } from './catalogue.ts'

const REASONS_MAX = 20

export type RejectLog = { add(item: RejectedItem): void; report(rows: number): RowReport }

/** Starts with the lines that were no records. `rows` of the report are those of the catalogue, to which these are added. */
export function createRejectLog(lines: readonly RejectedItem[]): RejectLog {
  const by_reason = new Map<string, Rejection>()
  let rejected = 0

  function add({ where, id, reason }: RejectedItem): void {
    rejected++
    // A reason may hold a value of the row; beyond some, they are counted together.
    const name = by_reason.has(reason) || by_reason.size < REASONS_MAX ? reason : 'other reasons'
    const rejection = by_reason.get(name) ?? { reason: name, rows: 0, samples: [] }
    by_reason.set(name, rejection)
    rejection.rows++
    if (rejection.samples.length < SAMPLES_MAX) rejection.samples.push(id === '' ? where : `${where}, item ${id}`)
  }
  for (const line of lines) add(line)
  return {
    add,
    report: (rows) => ({
      rows: rows + lines.length,
      rejected,
      rejections: [...by_reason.values()].sort((a, b) => b.rows - a.rows),
    }),
  }
}
