/** What a schema expects, in words: the `expected` of every error about a body or a manifest. */

/** The part of JSON Schema that our schemas use. */
export type Shape = {
  type?: string
  const?: unknown
  anyOf?: Shape[]
  properties?: Record<string, Shape>
  required?: string[]
  patternProperties?: Record<string, Shape>
  items?: Shape
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  pattern?: string
}

export function inWords(shape: Shape): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  if (shape.anyOf) return shape.anyOf.map(inWords).join(' or ')
  const noun = nounOf(shape.type ?? 'value')
  return `${noun}${rangeOf(shape)}${sizeOf(shape)}${shape.pattern ? ` that matches ${shape.pattern}` : ''}`
}

function nounOf(type: string): string {
  if (type === 'string') return 'a text'
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}

function rangeOf({ minimum, exclusiveMinimum, maximum }: Shape): string {
  const low =
    minimum !== undefined ? ` from ${minimum}` : exclusiveMinimum !== undefined ? ` above ${exclusiveMinimum}` : ''
  return `${low}${maximum === undefined ? '' : ` up to ${maximum}`}`
}

function sizeOf({ minLength, maxLength, minItems, maxItems }: Shape): string {
  if (minLength !== undefined || maxLength !== undefined) return ` of ${span(minLength, maxLength)} characters`
  if (minItems !== undefined || maxItems !== undefined) return ` of ${span(minItems, maxItems)} elements`
  return ''
}

const span = (least = 0, most?: number) => (most === undefined ? `${least} or more` : `${least} to ${most}`)
