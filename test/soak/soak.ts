/**
 * `npm run soak -- --minutes 30`: the service in a process of its own under mixed load, engagements, reloads and faults,
 * with an oracle that checks the scores of every answer. Ends with a table, and with exit code 1 when one answer was wrong
 * or one error unexplained.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readCatalogue } from '../../bench/service/workload.ts'
import { createRandom, type Random } from '../lib/random.ts'
import { DEMO } from './bundles.ts'
import { createDrawer } from './draw.ts'
import { FAULTS, type FaultOptions } from './faults.ts'
import { runLane } from './lane.ts'
import { startOracle } from './oracle_thread.ts'
import { createRecorder, type Recorder } from './record.ts'
import { describe, plotsOf, reportOf } from './report.ts'
import { createScene } from './scene.ts'
import { startStack } from './stack.ts'
import { divide } from './universe.ts'

const LANES = 4
/** Undisturbed, between two faults: a share of the whole, within these bounds. */
const PAUSE_S = { share: 0.02, min: 1, max: 15 }

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'soak-results' },
    json: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
if (!(minutes > 0)) throw new Error(`--minutes ${values.minutes}: expected a positive number`)
if (!Number.isInteger(seed)) throw new Error(`--seed ${values.seed}: expected an integer`)
await soak()

async function soak(): Promise<void> {
  const stack = await startStack()
  const oracle = await startOracle(Object.values(stack.originals), join(DEMO, 'features'))
  const scene = createScene(stack.versions[0].version)
  const recorder = createRecorder({ pid: stack.server.child.pid!, seconds: 60 * minutes })
  try {
    const catalogue = await readCatalogue(DEMO)
    const lanes = divide(catalogue, { lanes: LANES, seed }).map((universe, lane) => {
      const random = createRandom(seed * LANES + lane)
      const drawer = createDrawer(random, { catalogue, universe })
      return runLane({ url: stack.server.url, drawer, random, scene, oracle, recorder })
    })
    const lanes_end = Promise.all(lanes)
    await Promise.race([disturb({ stack, scene, oracle }, recorder, createRandom(seed)), lanes_end])
    scene.over = true
    await lanes_end
    finish(recorder)
  } finally {
    recorder.stop()
    await oracle.close()
    await stack.stop()
  }
}

/** Every kind of fault in each round, in another order each time, until the time is over. */
async function disturb(options: FaultOptions, recorder: Recorder, random: Random): Promise<void> {
  const pause_s = Math.min(PAUSE_S.max, Math.max(PAUSE_S.min, PAUSE_S.share * 60 * minutes))
  for (;;) {
    for (const name of shuffled(Object.keys(FAULTS), random)) {
      await sleep(1000 * pause_s)
      if (recorder.now_s() > 60 * minutes) return
      const from_s = recorder.now_s()
      if (!values.json) console.log(`${from_s.toFixed(0).padStart(5)} s  ${name}`)
      await FAULTS[name](options).catch((error: Error) => recorder.unexplained.push(`${name}: ${error.message}`))
      recorder.faults.push({ name, from_s, to_s: recorder.now_s() })
    }
  }
}

function shuffled(names: string[], random: Random): string[] {
  return names
    .map((name) => ({ name, place: random.uniform() }))
    .sort((a, b) => a.place - b.place)
    .map(({ name }) => name)
}

function finish(recorder: Recorder): void {
  const report = reportOf(recorder, { seed, minutes })
  console.log(values.json ? JSON.stringify(report, null, 2) : `\n${describe(report)}`)
  mkdirSync(values.out, { recursive: true })
  const files = { 'soak.json': `${JSON.stringify(report, null, 2)}\n`, ...plotsOf(recorder) }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(values.out, name), content)
  if (!values.json) console.log(`\n${values.out}: ${Object.keys(files).join(', ')}`)
  if (report.wrong_answers > 0 || report.unexplained_errors > 0) process.exitCode = 1
}
