/** Before anything is timed: every side that ranks gives the answers of the first one. */
import { type Catalogue, drawBody } from '../service/workload.ts'

/** Share of the first side's best K that another must have among its own. Float sums differ in order, so ties may part. */
export const OVERLAP_MIN = 0.99
const TOP_K = 1000
const SEEDS = [101, 102, 103, 104]

export type Answers = number[][]

/** The best ids for a few requests of each size. */
export async function askAll(url: string, catalogue: Catalogue, sizes: number[]): Promise<Answers> {
  const answers: Answers = []
  for (const candidates of sizes) {
    for (const seed of SEEDS) {
      // Half of them kept, so that small requests show a difference too.
      const top_k = Math.min(TOP_K, candidates / 2)
      const { json } = drawBody(catalogue, { candidates, top_k, seed })
      answers.push(await ask(url, json, top_k))
    }
  }
  return answers
}

async function ask(url: string, body: Buffer, top_k: number): Promise<number[]> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/prerank`, { method: 'POST', headers, body: new Uint8Array(body) })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${text.slice(0, 400)}`)
  const answer: { ids: number[]; degraded?: string[] } = JSON.parse(text)
  if (answer.degraded?.length) throw new Error(`${url}: degraded: ${answer.degraded.join(', ')}`)
  if (answer.ids.length !== top_k) throw new Error(`${url}: found ${answer.ids.length} ids, expected ${top_k}`)
  return answer.ids
}

/** The smallest overlap of any request; throws below OVERLAP_MIN. */
export function expectAgreement(name: string, found: Answers, expected: Answers): number {
  const overlaps = found.map((ids, index) => overlap(ids, expected[index]))
  const worst = Math.min(...overlaps)
  if (worst < OVERLAP_MIN) {
    throw new Error(
      `${name}: overlaps of its answers with ours are ${overlaps.map((o) => o.toFixed(3)).join(', ')}, expected ${OVERLAP_MIN}`,
    )
  }
  return worst
}

/** Share of `expected` that `found` holds. */
export function overlap(found: number[], expected: number[]): number {
  const ids = new Set(found)
  return expected.filter((id) => ids.has(id)).length / expected.length
}
