/**
 * Every error that a caller can meet: stable code, status, title. A code never changes its meaning; clients match on it.
 * The text of one error says what was found, what was expected, and what to do.
 */
export const ERRORS = {
  malformed_body: { status: 400, title: 'The body cannot be read' },
  missing_field: { status: 400, title: 'A required field is missing' },
  unknown_field: { status: 400, title: 'A field is not known' },
  invalid_field: { status: 400, title: 'A field has a wrong value' },
  malformed_request: { status: 400, title: 'The HTTP request cannot be read' },
  unauthenticated: { status: 401, title: 'The request carries no valid key' },
  forbidden: { status: 403, title: 'The key does not allow that' },
  not_found: { status: 404, title: 'There is nothing at this address' },
  method_not_allowed: { status: 405, title: 'This address does not answer that method' },
  not_acceptable: { status: 406, title: 'The answer cannot be written in an accepted format' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  reload_in_progress: { status: 409, title: 'Another bundle is being opened' },
  no_previous_bundle: { status: 409, title: 'There is no bundle to go back to' },
  body_too_large: { status: 413, title: 'The body is too large' },
  too_many_candidates: { status: 413, title: 'There are too many candidates' },
  too_many_events: { status: 413, title: 'There are too many events' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  unsupported_encoding: { status: 415, title: 'The content encoding is not supported' },
  expectation_failed: { status: 417, title: 'The expectation cannot be met' },
  bundle_rejected: { status: 422, title: 'The bundle cannot be served; the one before keeps serving' },
  rate_limited: { status: 429, title: 'The caller has used up its candidates for now' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  client_gone: { status: 499, title: 'The client went away before the answer' },
  internal: { status: 500, title: 'The request could not be answered' },
  overloaded: { status: 503, title: 'There is more work than the service can do' },
  table_damaged: { status: 503, title: 'The item table is damaged' },
  not_ready: { status: 503, title: 'The service is not ready' },
  deadline_exceeded: { status: 504, title: 'The deadline passed before there was an answer' },
  store_unavailable: { status: 503, title: 'The feature store does not take writes' },
} as const

export type ErrorCode = keyof typeof ERRORS

/** Where the error is, what stands there, what should; or, in place of these, a whole sentence. */
export type Finding = { field?: string; found?: string; expected?: string; reason?: string }

export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly finding: Finding
  /** For metrics, where one code has several causes. */
  readonly reason: string

  constructor(code: ErrorCode, finding: Finding = {}, options: ErrorOptions & { reason?: string } = {}) {
    const short = { ...finding, field: finding.field && shorten(finding.field) }
    // What callers did wrong is not found in our stack, and taking it would be the dearest part of a refusal.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(sentence(code, short), options)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'ServiceError'
    this.code = code
    this.finding = short
    this.reason = options.reason ?? code
  }

  get status(): number {
    return ERRORS[this.code].status
  }
}

/** The common case: a field's value is wrong. */
export function invalidField(field: string, value: unknown, expected: string): ServiceError {
  return new ServiceError('invalid_field', { field, found: describe(value), expected })
}

/** Code and finding as a message. */
export function sentence(code: ErrorCode, { field, found, expected, reason }: Finding): string {
  if (reason) return reason
  const parts = [found && `found ${found}`, expected && `expected ${expected}`].filter(Boolean).join(', ')
  return [field, parts || ERRORS[code].title].filter(Boolean).join(': ')
}

/** Names come from callers too. */
const shorten = (field: string) => (field.length <= 160 ? field : `${field.slice(0, 160)}…`)

/** A value in a few words, short whatever the value is. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'string') return describeText(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (ArrayBuffer.isView(value)) return `a typed array (${value.constructor.name}) of ${(value as Uint8Array).length}`
  return 'an object'
}

function describeText(text: string): string {
  return text.length <= 40 ? `the string ${JSON.stringify(text)}` : `a string of ${text.length} characters`
}
