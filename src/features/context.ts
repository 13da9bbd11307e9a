/** The user's context: the fields that vocabularies and segments of counts are named after. */
import type { RequestUser } from '../prerank/request.ts'

export const contextFields = ['country', 'gender', 'device', 'language'] as const
type ContextField = (typeof contextFields)[number]

/** Segments that are not named after a field of the user. */
const PLAIN_SEGMENTS = ['all', 'token']

export const isPlainSegment = (name: string): boolean => PLAIN_SEGMENTS.includes(name)

export function isSegment(name: string): boolean {
  return isPlainSegment(name) || isContextField(name)
}

/** `country=DE`: the segment of everyone with that value. */
export const valueSegment = (field: string, value: string): string => `${field}=${value}`

export function contextValue(user: RequestUser | undefined, field: string): string | undefined {
  return isContextField(field) ? user?.[field] : undefined
}

function isContextField(name: string): name is ContextField {
  return (contextFields as readonly string[]).includes(name)
}
