/** What the pipeline does with its time: a real bundle and kernel, a store that is as slow as a test wants. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bundle, openBundle } from '../../src/bundle/bundle.ts'
import { ServiceError } from '../../src/errors.ts'
import type { Kernel } from '../../src/kernel/kernel.ts'
import { loadKernel } from '../../src/kernel/load.ts'
import { createBudget } from '../../src/prerank/budget.ts'
import { createForecast } from '../../src/prerank/forecast.ts'
import { prerank } from '../../src/prerank/pipeline.ts'
import { createServing, type Serving } from '../../src/prerank/serving.ts'
import { verifyGolden } from '../../src/prerank/verify.ts'
import { embeddedStore } from '../../src/store/embedded.ts'
import { StoreError } from '../../src/store/store.ts'
import { writeTinyBundle } from '../lib/tiny_bundle.ts'

let directory: string
let bundle: Bundle
let serving: Serving
let kernel_runs = 0
let store_ms = 0
let kernel_ms = 0
let granted_ms: number[] = []

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'prerank-budget-'))
  await writeTinyBundle(directory, {})
  const tower = { threads: 1, intra_op_threads: 1, batch_max: 4, wait_ms_max: 0, queue_max: 64 }
  bundle = await openBundle(directory, { tower })
  const empty = embeddedStore(new Map())
  const store = {
    ...empty,
    async read(...[read, deadline_ms]: Parameters<typeof empty.read>) {
      granted_ms.push(deadline_ms)
      await sleep(Math.min(store_ms, deadline_ms))
      if (store_ms > deadline_ms) throw new StoreError('late', 'no answer in time')
      return empty.read(read, deadline_ms)
    },
  }
  const limits = { top_k_default: 10, store_deadline_ms: 1000, explain_max: 10 }
  serving = createServing({ bundle, kernel: watched(loadKernel(undefined).kernel), store, limits })
})
after(async () => {
  await bundle.close()
  await rm(directory, { recursive: true })
})
beforeEach(() => {
  store_ms = 0
  kernel_ms = 0
  kernel_runs = 0
  granted_ms = []
})

function watched(kernel: Kernel): Kernel {
  return {
    ...kernel,
    async topK(input, k) {
      kernel_runs++
      await sleep(kernel_ms)
      return kernel.topK(input, k)
    },
  }
}

const request = {
  query: { text: 'red shoes' },
  user: { id: 'u1' },
  candidates: { keys: BigUint64Array.of(1n, 8n, 15n) },
}
const rank = (deadline_ms: number) => {
  const budget = createBudget({ deadline_ms })
  return { budget, answer: budget.within(prerank(serving, request, { now_ms: Date.now(), budget })) }
}
const failsWith = (code: string) => (error: unknown) => error instanceof ServiceError && error.code === code

/** Then about 250 ms are kept back for scoring, so that a busy machine can do it in time. */
async function learnSlowKernel() {
  kernel_ms = 150
  for (let run = 0; run < 8; run++) await rank(10_000).answer
  granted_ms = []
  kernel_runs = 0
}

test('small golden requests say nothing of how long large ones will take', async () => {
  await verifyGolden(serving)
  assert.equal(serving.forecast.rest_ms(100_000, 100), createForecast().rest_ms(100_000, 100))
})

test('with time enough every feature is waited for', async () => {
  store_ms = 50
  const { answer } = rank(10_000)
  assert.deepEqual((await answer).degraded, [])
})

test('features that leave no time to score are given up, and the reason is the deadline', async () => {
  await learnSlowKernel()
  kernel_ms = 0
  store_ms = 900
  const { degraded, reads } = await rank(700).answer
  assert.ok(granted_ms[0] > 1 && granted_ms[0] < 700, `${granted_ms} ms for the store`)
  assert.ok(degraded.length > 0)
  for (const read of reads) assert.deepEqual(read, { feature: read.feature, outcome: 'lost', reason: 'deadline' })
  assert.equal(kernel_runs, 1)
})

test('a kernel that was slow lately gets its time before the features get theirs', async () => {
  await learnSlowKernel()
  store_ms = 900
  // Whether that is enough on a busy machine is not the question here.
  await rank(700).answer.catch(() => {})
  assert.ok(granted_ms[0] > 1 && granted_ms[0] < 700 - 150, `${granted_ms} ms for the store`)
  await rank(160).answer.catch(() => {})
  assert.equal(granted_ms.length, 1, 'without time for it the store is not asked')
})

test('what cannot be done in time fails at the deadline, while the kernel still runs', async () => {
  kernel_ms = 1000
  const start_ms = performance.now()
  const { answer, budget } = rank(300)
  await assert.rejects(answer, failsWith('deadline_exceeded'))
  const took_ms = performance.now() - start_ms
  assert.ok(took_ms >= 298 && took_ms < kernel_ms, `${took_ms} ms`)
  assert.equal(budget.stage, 'kernel')
})

test('nothing is scored for a client that went away', async () => {
  store_ms = 100
  const { answer, budget } = rank(10_000)
  budget.giveUp()
  await assert.rejects(answer, failsWith('client_gone'))
  await sleep(200)
  assert.equal(kernel_runs, 0)
  assert.equal(budget.stage, 'features')
})

test('time that is over is noticed by the next stage, though no timer could fire', async () => {
  const { answer } = rank(30)
  const end_ms = performance.now() + 60
  while (performance.now() < end_ms);
  await assert.rejects(answer, failsWith('deadline_exceeded'))
  await sleep(20)
  assert.equal(kernel_runs, 0)
})
