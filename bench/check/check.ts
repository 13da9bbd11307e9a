/**
 * Did a change make something slower? A short measurement of ratios, each of two things side by side, against
 * bench/baseline.json. A ratio that has lost too much is measured again, twice at most, before the check fails.
 * `--update` writes the baseline: medians of three measurements.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterUs } from '../../test/lib/after_us.ts'
import { describeMachine } from '../lib/machine.ts'
import { spreadOf } from '../lib/statistics.ts'
import { formatTable } from '../lib/table.ts'
import { type Baseline, judge, type Ratio, type Verdict, verdictTable } from './compare.ts'
import { kernelRatios } from './kernel_ratios.ts'
import { serviceRatios } from './service_ratios.ts'
import { towerRatios } from './tower_ratios.ts'

const BASELINE = join(import.meta.dirname, '..', 'baseline.json')
const ATTEMPTS_MAX = 3
const LOSS_MAX = 0.3
const UPDATE_MEASUREMENTS = 3

export async function run({ json, update }: { json: boolean; update: boolean }): Promise<Verdict[] | Baseline> {
  const say = (line: string) => json || console.log(line)
  const folder = mkdtempSync(join(tmpdir(), 'prerank-check-'))
  const removeFolder = afterUs(`rm -rf "${folder}"`)
  try {
    return update ? await writeBaseline(folder, say) : await check(folder, say)
  } finally {
    removeFolder()
  }
}

async function check(folder: string, say: (line: string) => void): Promise<Verdict[]> {
  const baseline: Baseline = JSON.parse(readFileSync(BASELINE, 'utf8'))
  const attempts: Ratio[][] = []
  let verdicts: Verdict[] = []
  do {
    attempts.push(await measureRatios(folder))
    verdicts = judge(baseline, attempts)
    if (attempts.length > 1) say(`measured again (${attempts.length} of at most ${ATTEMPTS_MAX})`)
  } while (attempts.length < ATTEMPTS_MAX && verdicts.some(({ ok }) => !ok))
  say(verdictTable(verdicts))
  const lost = verdicts.filter(({ ok }) => !ok).map(({ name }) => name)
  if (lost.length > 0) {
    process.exitCode = 1
    say(`more than ${100 * baseline.loss_max} % lost in ${attempts.length} measurements: ${lost.join(', ')}`)
    say('Make it fast again; or, where the loss is the price of something, bench -- check --update and say why.')
  }
  return verdicts
}

async function writeBaseline(folder: string, say: (line: string) => void): Promise<Baseline> {
  const measured: Ratio[][] = []
  for (let i = 0; i < UPDATE_MEASUREMENTS; i++) measured.push(await measureRatios(folder))
  const ratios = measured[0].map(({ name, what }, index): Ratio => {
    const value = spreadOf(measured.map((one) => one[index].value)).median
    return { name, what, value: Number(value.toPrecision(3)) }
  })
  const { cpu, cores, node } = describeMachine()
  const baseline: Baseline = { loss_max: LOSS_MAX, machine: `${cpu}, ${cores} cores, Node ${node}`, ratios }
  writeFileSync(BASELINE, `${JSON.stringify(baseline, null, 2)}\n`)
  const head = ['ratio', 'median', ...measured.map((_, i) => `${i + 1}`)]
  const body = ratios.map(({ name, value }, index) => [
    ...[name, value.toFixed(3)],
    ...measured.map((one) => one[index].value.toFixed(3)),
  ])
  say(formatTable(head, body))
  return baseline
}

async function measureRatios(folder: string): Promise<Ratio[]> {
  return [...(await kernelRatios(folder)), ...(await towerRatios()), ...(await serviceRatios(folder))]
}
