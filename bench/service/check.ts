/** Before anything is timed: both formats give the same ranking, whole, and nothing is missing from it. */
import { Agent } from 'node:http'
import { Decoder } from 'cbor-x'
import { post } from './http_client.ts'
import { type Catalogue, drawBody, FORMATS, type Format } from './workload.ts'

const TOP_K = 1000
const decoder = new Decoder({ useRecords: false, mapsAsObjects: true })

type PrerankBody = {
  ids: ArrayLike<number | bigint | string>
  scores: ArrayLike<number>
  counts: { candidates: number; scored: number }
  degraded: string[]
}

export async function checkFormats(options: { url: string; catalogue: Catalogue; candidates: number }): Promise<void> {
  const { url, catalogue, candidates } = options
  const body = drawBody(catalogue, { candidates, top_k: TOP_K, seed: 1 })
  const agent = new Agent({ keepAlive: true })
  const ask = async (format: Format): Promise<PrerankBody> => {
    const target = new URL('/v1/prerank', url)
    const answer = await post({ url: target, agent, body: body[format], content_type: FORMATS[format], from_ms: 0 })
    if (answer.status !== 200) throw new Error(`${format}: ${answer.status} ${answer.body.toString().slice(0, 400)}`)
    return format === 'json' ? JSON.parse(answer.body.toString()) : decoder.decode(answer.body)
  }
  // Not side by side: the first one fills the blob cache for the second, and both must give the same.
  const json = await ask('json')
  const cbor = await ask('cbor')
  agent.destroy()
  for (const [format, answer] of Object.entries({ json, cbor })) {
    const problem = incomplete(answer, candidates)
    if (problem) throw new Error(`${format}, ${candidates} candidates: ${problem}`)
  }
  const differs = Array.from(json.ids).findIndex(
    (id, i) => `${id}` !== `${cbor.ids[i]}` || !close(json.scores[i], cbor.scores[i]),
  )
  if (differs >= 0) {
    const found = `${json.ids[differs]} (${json.scores[differs]}) over JSON, ${cbor.ids[differs]} (${cbor.scores[differs]}) over CBOR`
    throw new Error(`${candidates} candidates: place ${differs} is ${found}`)
  }
}

function incomplete(answer: PrerankBody, candidates: number): string | null {
  const { ids, scores, counts, degraded } = answer
  const kept = Math.min(TOP_K, candidates)
  if (ids.length !== kept || scores.length !== kept)
    return `${ids.length} ids and ${scores.length} scores, expected ${kept}`
  if (counts.candidates !== candidates || counts.scored !== candidates) return `counts ${JSON.stringify(counts)}`
  return degraded.length > 0 ? `degraded: ${degraded.join(', ')}` : null
}

/** JSON may carry fewer digits than a float32 has. */
const close = (a: number, b: number) => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(a))
