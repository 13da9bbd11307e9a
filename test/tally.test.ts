import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { countTally, histogramTally, levelTally } from '../src/tally.ts'

const stages = { name: 'stage_seconds', help: 'Time.', labelNames: ['stage', 'format'] as const, buckets: [0.1, 1, 10] }
const sizes = { name: 'sizes', help: 'Sizes.', buckets: [1, 2] }
const answers = { name: 'answers_total', help: 'Answers.', labelNames: ['route', 'status'] as const }
const lone = { name: 'lone_total', help: 'One number.' }
const level = { name: 'level', help: 'A level.' }

test('tallies are exposed as the metrics of prom-client are', async () => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const own = [ours]
  const tally = {
    stages: histogramTally({ ...stages, registers: own }),
    sizes: histogramTally({ ...sizes, registers: own }),
    answers: countTally({ ...answers, registers: own }),
    lone: countTally({ ...lone, registers: own }),
    level: levelTally({ ...level, registers: own }),
  }
  const known = {
    stages: new Histogram({ ...stages, labelNames: [...stages.labelNames], registers: [theirs] }),
    sizes: new Histogram({ ...sizes, registers: [theirs] }),
    answers: new Counter({ ...answers, labelNames: [...answers.labelNames], registers: [theirs] }),
    lone: new Counter({ ...lone, registers: [theirs] }),
    level: new Gauge({ ...level, registers: [theirs] }),
  }
  assert.equal(await ours.metrics(), await theirs.metrics())

  for (const value of [0, 0.1, 0.5, 10, 99]) {
    for (const stage of ['decode', 'odd "name"\n']) {
      tally.stages.observe({ stage, format: 'json' }, value)
      known.stages.observe({ stage, format: 'json' }, value)
    }
    tally.sizes.observe({}, value)
    known.sizes.observe(value)
  }
  for (const by of [1, 3]) {
    tally.answers.inc({ route: '/', status: 200 }, by)
    known.answers.inc({ route: '/', status: 200 }, by)
  }
  tally.answers.inc({ route: '/', status: 503 })
  known.answers.inc({ route: '/', status: 503 })
  tally.lone.inc({})
  known.lone.inc()
  for (const { inc, dec } of [tally.level, { inc: () => known.level.inc(), dec: () => known.level.dec() }]) {
    inc()
    inc()
    dec()
  }
  assert.equal(await ours.metrics(), await theirs.metrics())
  assert.equal(await ours.metrics(), await theirs.metrics(), 'a second scrape')
})
