/** The README's first request, as it stands there, gets the answer that stands there. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { pino } from 'pino'
import { readConfig } from '../src/config.ts'
import { startService } from '../src/server.ts'

type Answer = { ids: number[]; scores: number[]; request_id: string }

/** Ages of the stored engagements grow by the day, so scores move in the last digits. */
const SCORE_DIFFERENCE_MAX = 1e-3

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const block = (language: string, start: string) => {
  const found = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].find(
    ([, name, text]) => name === language && text.startsWith(start),
  )
  assert.ok(found, `README.md has no ${language} block that starts with ${start}`)
  return found[2]
}

test('the README’s request gets the README’s answer', async () => {
  const body = /-d '(.*?)'$/ms.exec(block('sh', 'curl'))?.[1]
  assert.ok(body, 'curl … -d with the body in single quotes')
  const expected: Answer = JSON.parse(block('json', '{'))
  const config = readConfig({ HOST: '127.0.0.1', PORT: '0', SHUTDOWN_DELAY_MS: '0' })
  const service = await startService({ config, logger: pino({ level: 'silent' }) })
  try {
    await service.ready
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${service.url}/v1/prerank`, { method: 'POST', headers, body })
    const answer = (await response.json()) as Answer
    assert.equal(response.status, 200, JSON.stringify(answer))
    assert.deepEqual({ ...answer, scores: [], request_id: '' }, { ...expected, scores: [], request_id: '' })
    answer.scores.forEach((score, place) => {
      assert.ok(Math.abs(score - expected.scores[place]) < SCORE_DIFFERENCE_MAX, `place ${place}: ${score}`)
    })
  } finally {
    await service.stop()
  }
})
