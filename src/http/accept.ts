/** Content negotiation (RFC 9110 §12.5.1) between the two formats. */
import { ServiceError } from '../errors.ts'
import { type Format, MEDIA_TYPES } from './formats.ts'

type Range = { type: string; weight: number }

/** The format with the higher weight in Accept; without a preference the answer speaks as the request did. */
export function acceptedFormat(accept: string | undefined, requested: Format): Format {
  if (accept === undefined || accept === '*/*' || accept === MEDIA_TYPES[requested]) return requested
  const ranges = accept.split(',').map(rangeOf)
  const [json, cbor] = [weightOf('json', ranges), weightOf('cbor', ranges)]
  if (json > cbor) return 'json'
  if (cbor > json) return 'cbor'
  if (json > 0) return requested
  const expected = Object.values(MEDIA_TYPES).join(' or ')
  throw new ServiceError('not_acceptable', { field: 'Accept', found: accept.slice(0, 80) || 'nothing', expected })
}

function rangeOf(text: string): Range {
  const [type, ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const q = parameters.find((parameter) => parameter.startsWith('q='))
  return { type, weight: q === undefined ? 1 : Number(q.slice(2)) || 0 }
}

/** The most specific range that names the format decides. */
function weightOf(format: Format, ranges: Range[]): number {
  for (const type of [MEDIA_TYPES[format], 'application/*', '*/*']) {
    const range = ranges.find((candidate) => candidate.type === type)
    if (range) return range.weight
  }
  return 0
}
