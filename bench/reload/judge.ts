/** What each bundle answers when it alone is asked, and whether an answer under load is that of the bundle it names. */
import { Decoder } from 'cbor-x'

export type Ranked = {
  model: { fingerprint: string }
  ids: ArrayLike<unknown>
  scores: ArrayLike<number>
  degraded: string[]
}

const decoder = new Decoder({ useRecords: false, mapsAsObjects: true })
export const decodeAnswer = (body: Buffer): Ranked => decoder.decode(body)

/** Events age while the benchmark runs, which moves scores a little; the two bundles are a whole point apart. */
const DIFFERENCE_MAX = 0.01

export type Verdict = { kind: 'wrong' | 'degraded'; what: string }

export type Judge = {
  /** The answer to request `index` of the bundle that serves alone. */
  learn(index: number, answer: Ranked): void
  /** Null, or what is wrong. `degraded`: the store was late, so that there is nothing to compare the scores with. */
  problemOf(index: number, answer: Ranked): Verdict | null
}

const wrong = (what: string): Verdict => ({ kind: 'wrong', what })

export function createJudge(): Judge {
  const expected = new Map<string, number[]>()
  const keyOf = (index: number, { model }: Ranked) => `${model.fingerprint} ${index}`
  return {
    learn: (index, answer) => expected.set(keyOf(index, answer), Array.from(answer.scores)),
    problemOf(index, answer) {
      const scores = expected.get(keyOf(index, answer))
      if (!scores) return wrong(`no bundle has the fingerprint ${answer.model.fingerprint}`)
      if (answer.degraded.length > 0) return { kind: 'degraded', what: `degraded: ${answer.degraded.join(', ')}` }
      if (answer.ids.length !== scores.length) return wrong(`${answer.ids.length} ids, expected ${scores.length}`)
      const at = scores.findIndex((score, place) => !(Math.abs(score - answer.scores[place]) < DIFFERENCE_MAX))
      if (at < 0) return null
      return wrong(`place ${at}: score ${answer.scores[at]}, expected ${scores[at]} of the bundle it names`)
    },
  }
}
