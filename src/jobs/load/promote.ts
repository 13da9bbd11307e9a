/**
 * Sequences are not versioned: engagements are pushed to `seq:{user}` while a load runs. A load therefore stages its lists
 * under the version, and each takes the served one's place in one script. What was pushed since the newest staged event
 * stays in front, and the list expires when it would have. Running it again changes nothing. Both keys have the user's hash tag, so they are in one slot.
 */
import { EVENT_BYTES, SEQUENCE_EVENTS_MAX } from '../../features/sequence.ts'

export const PROMOTE_SEQUENCE = `
local staged = redis.call('LRANGE', KEYS[2], 0, -1)
if #staged == 0 then return 0 end
local function time_of(event)
  local low, high = struct.unpack('<I4I2', event, 9)
  return high * 4294967296 + low
end
local known = {}
for _, event in ipairs(staged) do known[event] = true end
local newest = time_of(staged[1])
local merged = {}
for _, event in ipairs(redis.call('LRANGE', KEYS[1], 0, ${SEQUENCE_EVENTS_MAX - 1})) do
  if #event == ${EVENT_BYTES} and time_of(event) >= newest and not known[event] then merged[#merged + 1] = event end
end
for _, event in ipairs(staged) do
  if #merged < ${SEQUENCE_EVENTS_MAX} then merged[#merged + 1] = event end
end
local ttl = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('RPUSH', KEYS[1], unpack(merged))
if ttl > 0 then redis.call('PEXPIRE', KEYS[1], ttl) end
return 1
`
