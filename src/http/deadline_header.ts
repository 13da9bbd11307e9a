/** How long a caller waits, from a header: it is known before the body is, and gateways can set it. */
import type { IncomingHttpHeaders } from 'node:http'
import { Type } from 'typebox'
import { ServiceError } from '../errors.ts'
import { DEADLINE_MS_MAX } from '../prerank/body.ts'

export const DEADLINE_HEADER = 'x-request-deadline-ms'

/** For the documentation. */
export const DeadlineHeader = Type.Object({
  [DEADLINE_HEADER]: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: DEADLINE_MS_MAX,
      description:
        'Time for the whole answer, ms, from the arrival of the request. Of this and the field `deadline_ms` the smaller one counts.',
    }),
  ),
})

/** As JSON writes numbers. */
const DECIMAL = /^\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,3})?$/i

/** The time for the whole answer, ms. */
export function headerDeadline(headers: IncomingHttpHeaders): number | undefined {
  const found = headers[DEADLINE_HEADER]
  if (found === undefined) return undefined
  const deadline_ms = DECIMAL.test(`${found}`) ? Number(found) : Number.NaN
  if (deadline_ms > 0 && deadline_ms <= DEADLINE_MS_MAX) return deadline_ms
  throw new ServiceError('invalid_field', {
    field: DEADLINE_HEADER,
    found: `the string ${JSON.stringify(`${found}`.slice(0, 40))}`,
    expected: `a number above 0 up to ${DEADLINE_MS_MAX}`,
  })
}
