/** Rows of an input that were left out: how many, why, and a few of them to look at. */
import { formatCount, formatShare } from '../run/format.ts'
import { JobError } from '../run/job.ts'

export type Rejection = { reason: string; rows: number; samples: string[] }
export type RowReport = { rows: number; rejected: number; rejections: Rejection[] }

export const SAMPLES_MAX = 3

/** Refuses an input with more than the allowed share of bad rows; the message says what they were. */
export function assertShare(report: RowReport, options: { input: string; share_max: number }): void {
  if (report.rejected <= report.rows * options.share_max) return
  throw new JobError(
    `${options.input}: ${describeRejects(report)}; at most ${formatShare(options.share_max)} may be bad (--bad-rows-max). ` +
      'Nothing was written; put the rows right or allow a larger share',
  )
}

export function describeRejects({ rows, rejected, rejections }: RowReport): string {
  const share = rows === 0 ? 0 : rejected / rows
  const head = `${formatCount(rejected)} of ${formatCount(rows)} rows rejected (${formatShare(share)})`
  const reasons = rejections.map(({ reason, rows: bad, samples }) => {
    const shown = samples.map((sample) => `\n      ${sample}`).join('')
    return `\n    ${formatCount(bad)}: ${reason}${shown}`
  })
  return head + reasons.join('')
}
