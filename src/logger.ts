/** The log: one JSON object per line. Keys, tokens, user ids and queries are never in it, whatever the level. */
import { type Logger, pino, stdSerializers } from 'pino'

export function createLogger(level: string): Logger {
  return pino({ level, serializers: { err: errorForLog } })
}

/** Not its other properties: errors of the Redis client carry the command, whose arguments name the user. */
export function errorForLog(error: Error) {
  const { type, message, stack } = stdSerializers.err(error)
  return { type, message, stack, code: (error as NodeJS.ErrnoException).code }
}
