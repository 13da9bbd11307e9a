/** The user's context: the fields that vocabularies and segments of counts are named after. */
import type { RequestUser } from '../prerank/request.ts'

export const contextFields = ['country', 'gender', 'device', 'language'] as const
type ContextField = (typeof contextFields)[number]

/** Segments that are not named after a field of the user. */
const PLAIN_SEGMENTS = ['all', 'token']

export function isSegment(name: string): boolean {
  return PLAIN_SEGMENTS.includes(name) || isContextField(name)
}

export function contextValue(user: RequestUser | undefined, field: string): string | undefined {
  return isContextField(field) ? user?.[field] : undefined
}

function isContextField(name: string): name is ContextField {
  return (contextFields as readonly string[]).includes(name)
}
