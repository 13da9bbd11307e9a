/**
 * The two scripts that change what engagements change, each atomic over a key and its helpers: `…:seen`, the ids of the
 * events that the key has taken, by time of arrival, and `…:index`. All have the hash tag of the key, so they are in one
 * slot. What may fail does so before anything is written: a key of another type is read first, and the first write is one
 * that a full server refuses (after a removal it would let the rest through). ioredis sends EVALSHA, and EVAL where the
 * server does not know the script.
 *
 * Arguments: now, how long and how many ids are remembered, what the script names, then id and value of each event.
 * Reply: a number per event, the index in `WRITTEN`.
 */
import type { Result } from 'ioredis'
import { LIVE_FIELD_BYTES, LIVE_RECORD_BYTES } from '../features/live_counts.ts'
import { EVENT_BYTES, SEQUENCE_EVENTS_MAX } from '../features/sequence.ts'
import type { RedisClient } from './redis_client.ts'
import type { Written } from './store.ts'

export const WRITTEN: Written[] = ['duplicate', 'applied', 'out_of_order']

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendSequence(key: string, seen: string, ...args: (number | Buffer)[]): Result<number[], Context>
    addLiveCounts(key: string, seen: string, index: string, ...args: (number | Buffer)[]): Result<number[], Context>
  }
}

export function defineScripts(client: RedisClient): void {
  client.defineCommand('appendSequence', { numberOfKeys: 2, lua: APPEND_SEQUENCE })
  client.defineCommand('addLiveCounts', { numberOfKeys: 3, lua: ADD_LIVE_COUNTS })
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
 * Arguments 4 to 6: when the counts expire, the first day that is kept, how many items (by action) a day lists. The third key
 * holds where in the string each field stands, and under the six bytes of a day how many items that lists. The first event
 * of a day removes records of days before the first; so it is where one of the two keys was evicted.
 */
const ADD_LIVE_COUNTS = `${SEEN}
local index = KEYS[3]
local first_day, items_max = tonumber(ARGV[5]), tonumber(ARGV[6])
local record_bytes = ${LIVE_RECORD_BYTES}
local length = redis.call('STRLEN', key)
if length % record_bytes ~= 0 then return redis.error_reply('WRONGTYPE found ' .. length .. ' bytes of live counts') end
local is_whole = (length > 0) == (redis.call('HLEN', index) > 0)

local function day_of(field) return string.sub(field, 9, 14) end
local function is_listed(field) return string.byte(field, 15) == 0 end
local function unlisted(field)
  return string.rep('\\0', 8) .. day_of(field) .. '\\1' .. string.sub(field, 16)
end

local function rebuild()
  local records, kept = redis.call('GET', key) or '', {}
  redis.call('DEL', key, index)
  for at = 1, #records, record_bytes do
    local field = string.sub(records, at, at + ${LIVE_FIELD_BYTES - 1})
    if time_at(field, 9) >= first_day then
      redis.call('HSET', index, field, #kept * record_bytes)
      if is_listed(field) then redis.call('HINCRBY', index, day_of(field), 1) end
      kept[#kept + 1] = string.sub(records, at, at + record_bytes - 1)
    end
  end
  if #kept > 0 then redis.call('SET', key, table.concat(kept)) end
  is_whole = true
end

local function add(field)
  local at = redis.call('HGET', index, field)
  if at then
    at = at + ${LIVE_FIELD_BYTES}
    local count = struct.unpack('<I4', redis.call('GETRANGE', key, at, at + 3))
    redis.call('SETRANGE', key, at, struct.pack('<I4', math.min(count + 1, 4294967295)))
  else
    redis.call('HSET', index, field, redis.call('STRLEN', key))
    redis.call('APPEND', key, field .. struct.pack('<I4', 1))
  end
  return not at
end

local function count(field)
  local day = day_of(field)
  local listed = is_whole and redis.call('HGET', index, day)
  if not listed then
    rebuild()
    listed = redis.call('HGET', index, day) or 0
  end
  if tonumber(listed) >= items_max and redis.call('HEXISTS', index, field) == 0 then return add(unlisted(field)) end
  if add(field) then redis.call('HINCRBY', index, day, 1) end
end

local written = {}
for i = 7, #ARGV, 2 do
  local is_first = is_new(ARGV[i])
  if is_first then count(ARGV[i + 1]) end
  written[#written + 1] = is_first and 1 or 0
end
redis.call('PEXPIRE', index, ARGV[4])
keep_for(tonumber(ARGV[4]))
return written
`
