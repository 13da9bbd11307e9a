/** What survives a young collection waits in V8's old generation for one of the whole heap. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Redis } from 'ioredis'
import { EVENT_BYTES } from '../../src/features/sequence.ts'
import { runPipeline, type Wanted } from '../../src/store/redis_commands.ts'
import { startRedis } from '../lib/redis.ts'

const server = await startRedis({ own: true })
const client = new Redis(server.url)
after(async () => {
  client.disconnect()
  await server.stop()
})

const READS = 30
const ROUNDS = 20
/** Of what the reads allocate, 1.3 MB; with commands and pipelines of ioredis itself 540 kB survive. */
const SURVIVING_BYTES_MAX = 100_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as NodeJS.GCFunction

const youngBytes = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')!.space_used_size

test('nothing of a read survives a collection of the young generation', async () => {
  await client.set('value', 'x'.repeat(100))
  await client.rpush('sequence', ...Array.from({ length: 50 }, () => Buffer.alloc(EVENT_BYTES)))
  const wanted: Wanted[] = [
    { key: 'sequence', full_key: 'sequence', kind: 'sequence' },
    ...Array.from({ length: 10 }, () => ({ key: 'value', full_key: 'value', kind: 'value' as const })),
  ]
  const surviving: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (let done = 0; done < READS; done++) {
      const [sequence, value] = await runPipeline(client, wanted)
      assert.ok(sequence instanceof Uint8Array && sequence.length === 50 * EVENT_BYTES)
      assert.ok(value instanceof Uint8Array && value.length === 100)
    }
    collect({ type: 'minor' })
    surviving.push(youngBytes())
  }
  const usual = surviving.sort((a, b) => a - b)[ROUNDS / 2]
  assert.ok(usual < SURVIVING_BYTES_MAX, `${usual} bytes of ${READS} reads, expected less than ${SURVIVING_BYTES_MAX}`)
})
