/** What a request's features cost, step by step, on the main thread. */

import { liveBlob } from '../../src/features/live_counts.ts'
import { readPlanner } from '../../src/features/plan.ts'
import { decodeEvents } from '../../src/features/sequence.ts'
import { answerReader } from '../../src/features/stored.ts'
import { textNgrams } from '../../src/features/text.ts'
import type { StoreAnswer } from '../../src/store/store.ts'
import { compileQueryInputs } from '../../src/tower/query_inputs.ts'
import type { Bed } from './bed.ts'
import { type Cost, costInTurn } from './in_turn.ts'

const CACHE_BYTES = 64 * 2 ** 20
const DEADLINE_MS = 1000

export type Stage =
  | 'plan'
  | 'read'
  | 'read_cached'
  | 'decode'
  | 'decode_cached'
  | 'sequence'
  | 'live_counts'
  | 'ngrams'
  | 'inputs'

export async function measureStages(bed: Bed, { rounds }: { rounds: number }): Promise<Record<Stage, Cost>> {
  const { manifest, table, requests, now_ms } = bed
  const [plain, cached] = await Promise.all([bed.store(0), bed.store(CACHE_BYTES)])
  try {
    const readAll = () => Promise.all(requests.map(({ plan }) => cached.read(plan.read, DEADLINE_MS)))
    await readAll()
    const answers = await readAll()
    const readStored = answerReader(manifest)
    const stored = answers.map((answer, index) => readStored(requests[index].plan, answer, now_ms))
    const lost = stored.flatMap(({ problems }) => problems)
    if (lost.length > 0) throw new Error(`${lost.length} features cannot be read: ${lost[0]}`)
    const planReads = readPlanner(manifest)
    const inputsOf = compileQueryInputs(manifest, table)
    const ngrams = manifest.query_tower.inputs.find(({ source }) => source.kind === 'text_ngrams')!
    if (ngrams.source.kind !== 'text_ngrams') throw new Error('the tower reads no text')
    const options = { ...ngrams.source, length: ngrams.shape[0] }
    const live = { columns: manifest.counts.columns, actions: manifest.actions, since_ms: 0, now_ms }
    // Bytes that the reader has not seen are checked as those of a cache miss are.
    const fresh = takingTurns(() => answers.map(unseen))
    return await costInTurn<Stage>(
      {
        plan: (index) => planReads(requests[index].request),
        read: (index) => plain.read(requests[index].plan.read, DEADLINE_MS),
        read_cached: (index) => cached.read(requests[index].plan.read, DEADLINE_MS),
        decode: (index) => readStored(requests[index].plan, fresh(index), now_ms),
        decode_cached: (index) => readStored(requests[index].plan, answers[index], now_ms),
        sequence: (index) => answers[index].sequence && decodeEvents(answers[index].sequence),
        live_counts: (index) => answers[index].live.map((bytes) => bytes && liveBlob(bytes, live)),
        ngrams: (index) => textNgrams(requests[index].request.query.text, options),
        inputs: (index) => inputsOf({ request: requests[index].request, stored: stored[index], now_ms }),
      },
      { rounds, requests: requests.length },
    )
  } finally {
    await Promise.all([plain.close(), cached.close()])
  }
}

const unseen = (answer: StoreAnswer): StoreAnswer => ({
  ...answer,
  values: answer.values.map((bytes) => bytes && new Uint8Array(bytes)),
})

/** A new set whenever the first is asked for: the copies cost what reading a reply does, and are counted with it. */
function takingTurns<T>(make: () => T[]): (index: number) => T {
  let set: T[] = []
  return (index) => {
    if (index === 0) set = make()
    return set[index]
  }
}
