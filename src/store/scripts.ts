/**
 * The two scripts that change what engagements change, each atomic over a key and its `…:seen`: the ids of the events that
 * the key has taken, by time of arrival. Both have the hash tag of the key, so they are in one slot. What may fail does so
 * before anything is written: a key of another type is read first, and the first write is one that a full server refuses
 * (after a removal it would let the rest through). ioredis sends EVALSHA, and EVAL where the server does not know the script.
 *
 * Arguments: now, how long and how many ids are remembered, what the script names, then id and value of each event.
 * Reply: a number per event, the index in `WRITTEN`.
 */
import type { Result } from 'ioredis'
import { EVENT_BYTES, SEQUENCE_EVENTS_MAX } from '../features/sequence.ts'
import type { RedisClient } from './redis_client.ts'
import type { Written } from './store.ts'

export const WRITTEN: Written[] = ['duplicate', 'applied', 'out_of_order']

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendSequence(key: string, seen: string, ...args: (number | Buffer)[]): Result<number[], Context>
    addLiveCounts(key: string, seen: string, ...args: (number | Buffer)[]): Result<number[], Context>
  }
}

export function defineScripts(client: RedisClient): void {
  client.defineCommand('appendSequence', { numberOfKeys: 2, lua: APPEND_SEQUENCE })
  client.defineCommand('addLiveCounts', { numberOfKeys: 2, lua: ADD_LIVE_COUNTS })
}

const SEEN = `
local key, seen = KEYS[1], KEYS[2]
local now, ids_ttl, ids_max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local function time_at(bytes, at)
  local low, high = struct.unpack('<I4I2', bytes, at)
  return high * 4294967296 + low
end

local function is_new(id)
  return redis.call('ZADD', seen, 'NX', now, id) == 1
end

local function keep_for(key_ttl)
  redis.call('PEXPIRE', key, key_ttl)
  redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - ids_ttl)
  redis.call('ZREMRANGEBYRANK', seen, 0, -ids_max - 1)
  redis.call('PEXPIRE', seen, ids_ttl)
end
`

/** Argument 4: when the sequence expires. Events go where their time puts them; the newest hundred stay. */
const APPEND_SEQUENCE = `${SEEN}
local length_max = ${SEQUENCE_EVENTS_MAX}
local events = redis.call('LRANGE', key, 0, length_max - 1)

local function time_of(event)
  return #event == ${EVENT_BYTES} and time_at(event, 9) or -1
end

local function insert(event)
  local at, time = 1, time_of(event)
  while events[at] and time_of(events[at]) > time do at = at + 1 end
  if at > length_max then return at end
  if at == 1 then redis.call('LPUSH', key, event)
  elseif events[at] then redis.call('LINSERT', key, 'BEFORE', events[at], event)
  else redis.call('RPUSH', key, event) end
  table.insert(events, at, event)
  return at
end

local written = {}
for i = 5, #ARGV, 2 do
  local outcome = 0
  if is_new(ARGV[i]) then outcome = insert(ARGV[i + 1]) == 1 and 1 or 2 end
  written[#written + 1] = outcome
end
redis.call('LTRIM', key, 0, length_max - 1)
keep_for(tonumber(ARGV[4]))
return written
`

/**
 * Arguments 4 to 6: when the hash expires, the first day that is kept, how many fields a day may have. The first event of a
 * day removes the fields of days before the first.
 */
const ADD_LIVE_COUNTS = `${SEEN}
local first_day, fields_max = tonumber(ARGV[5]), tonumber(ARGV[6])
redis.call('HLEN', key)

local function forget_days()
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if time_at(field, #field == ${EVENT_BYTES} and 9 or 1) < first_day then redis.call('HDEL', key, field) end
  end
end

local function count(field)
  local day = string.sub(field, 9, 14)
  local fields = tonumber(redis.call('HGET', key, day))
  if not fields then
    forget_days()
    fields = 0
  end
  if redis.call('HEXISTS', key, field) == 1 then redis.call('HINCRBY', key, field, 1)
  elseif fields < fields_max then
    redis.call('HSET', key, field, 1)
    redis.call('HINCRBY', key, day, 1)
  else redis.call('HINCRBY', key, string.sub(field, 9), 1) end
end

local written = {}
for i = 7, #ARGV, 2 do
  local is_first = is_new(ARGV[i])
  if is_first then count(ARGV[i + 1]) end
  written[#written + 1] = is_first and 1 or 0
end
keep_for(tonumber(ARGV[4]))
return written
`
