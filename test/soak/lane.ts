/** One caller: engages and asks, one after the other, and has every answer checked. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../lib/random.ts'
import { send, type WireAnswer } from './client.ts'
import type { Drawer, EventBody, RequestBody } from './draw.ts'
import type { GivenAnswer } from './judge.ts'
import type { OracleThread } from './oracle_thread.ts'
import type { Recorder } from './record.ts'
import { momentOf, type Scene, spanOf } from './scene.ts'

export type LaneOptions = {
  url: string
  drawer: Drawer
  random: Random
  scene: Scene
  oracle: OracleThread
  recorder: Recorder
}

const ENGAGE_SHARE = 0.3
const ABANDON_SHARE = 0.01
const AGAIN_MS = 100
const MESSAGES_MAX = 20

export async function runLane(options: LaneOptions): Promise<void> {
  const { drawer, random, scene } = options
  while (!scene.over) {
    if (random.uniform() < ABANDON_SHARE) await abandon(options, drawer.request())
    if (!scene.hold_engagements && random.uniform() < ENGAGE_SHARE) {
      const events = drawer.events()
      // Read your writes: the next request of that user.
      if (await engage(options, events)) await ask(options, drawer.request(events[0].user))
    } else await ask(options, drawer.request())
  }
}

async function ask({ url, random, scene, oracle, recorder }: LaneOptions, body: RequestBody): Promise<void> {
  const sent = momentOf(scene)
  const now_ms = Date.now()
  const answer = await attempt(recorder, () => send(`${url}/v1/prerank`, body, { random }))
  if (!answer) return
  const { explained, versions, losing } = spanOf(sent, momentOf(scene))
  const { tally } = recorder
  tally.requests++
  count(tally.by_format, answer.format)
  count(tally.by_size, `${body.candidates.length}`)
  if (answer.status !== 200) {
    if (explained.codes.includes(codeOf(answer))) tally.refused_explained++
    else note(recorder.unexplained, `${answer.status} ${JSON.stringify(answer.body)}`)
    return
  }
  if (body.candidates.length === 1000) recorder.latency(answer.took_ms)
  const given = givenAnswer(answer)
  if (given.degraded.length > 0) tally.degraded++
  if (given.degraded.length > 0 && !explained.degraded) tally.degraded_unexplained++
  const fault = await oracle.check({ body, answer: given, now_ms, versions, losing })
  tally.checked++
  if (fault === null) return
  const { query, user, candidates } = body
  const asked = JSON.stringify({ query, user, candidates: candidates.length })
  note(
    recorder.wrong,
    `${recorder.now_s().toFixed(1)} s: ${fault}; ${answer.format} ${asked}, degraded: ${given.degraded}`,
  )
}

/** Sends the events until the store has all of them; false when the soak ends before. */
async function engage(options: LaneOptions, events: EventBody[]): Promise<boolean> {
  options.scene.engaging++
  try {
    return await engageAll(options, events)
  } finally {
    options.scene.engaging--
  }
}

async function engageAll({ url, random, scene, oracle, recorder }: LaneOptions, events: EventBody[]): Promise<boolean> {
  for (let again = false; !scene.over; again = true) {
    if (again) await sleep(AGAIN_MS)
    const sent = momentOf(scene)
    const answer = await attempt(recorder, () => send(`${url}/v1/engagements`, { events }, { random }))
    if (!answer) continue
    const { engagements } = spanOf(sent, momentOf(scene)).explained
    const outcomes = (answer.body.outcomes ?? []) as string[]
    if (answer.status === 200 && !outcomes.includes('failed')) {
      recorder.tally.engagements += events.length
      const expected = await oracle.engaged(events)
      if (!again && `${expected}` !== `${outcomes}`) note(recorder.wrong, `outcomes ${outcomes}, expected ${expected}`)
      return true
    }
    const code = answer.status === 200 ? 'failed' : codeOf(answer)
    if (engagements.includes(code)) recorder.tally.refused_explained++
    else note(recorder.unexplained, `engagements: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`)
  }
  return false
}

/** A caller that goes away before its answer. */
async function abandon({ url, random, recorder }: LaneOptions, body: RequestBody): Promise<void> {
  const signal = AbortSignal.timeout(1 + Math.floor(random.uniform() * 5))
  await send(`${url}/v1/prerank`, body, { random, signal }).catch(() => recorder.tally.abandoned++)
}

/** A broken connection is never explained: the service does not die. */
async function attempt(recorder: Recorder, request: () => Promise<WireAnswer>): Promise<WireAnswer | null> {
  try {
    return await request()
  } catch (error) {
    const { message, cause } = error as Error
    note(recorder.unexplained, `${message}: ${cause}`)
    await sleep(AGAIN_MS)
    return null
  }
}

function givenAnswer({ body }: WireAnswer): GivenAnswer {
  const { model, ids, scores, counts, degraded } = body as unknown as GivenAnswer
  return { model, counts, degraded, ids: Array.from(ids, String), scores: Array.from(scores) }
}

const codeOf = ({ body }: WireAnswer) => `${body.code}`

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

/** Every one counts, the first ones are kept word for word. */
function note(list: string[], message: string): void {
  list.push(list.length < MESSAGES_MAX ? message : '…')
}
