import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, test } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { TowerErrorKind } from '../../src/tower/errors.ts'
import { TowerPool, type TowerPoolOptions } from '../../src/tower/pool.ts'
import { WorkerReserve } from '../../src/tower/reserve.ts'
import { expected, feed, fixtures, toy } from './toy.ts'

const scratch = mkdtempSync(join(tmpdir(), 'prerank-tower-'))
after(() => rmSync(scratch, { recursive: true }))

async function withPool(options: Partial<TowerPoolOptions>, body: (pool: TowerPool) => Promise<void>): Promise<void> {
  const pool = await TowerPool.start({ ...toy, ...options })
  try {
    await body(pool)
  } finally {
    await pool.close()
  }
}

/** The worker of the pool dies as often as there is the file TOWER_DEATH. */
async function withMortal(options: Partial<TowerPoolOptions>, body: (pool: TowerPool) => Promise<void>): Promise<void> {
  const reserve = new WorkerReserve({ entry: new URL('mortal_worker.ts', fixtures), count: 1 })
  try {
    await withPool({ ...options, reserve }, body)
  } finally {
    await reserve.close()
  }
}

function ofKind(kind: TowerErrorKind, message: RegExp) {
  return (error: { kind: string; message: string }) => {
    assert.equal(error.kind, kind)
    assert.match(error.message, message)
    return true
  }
}

test('a lone request runs alone and at once, even where workers may wait', async () => {
  const batches: number[] = []
  await withPool({ wait_ms_max: 10_000, onBatch: ({ rows }) => batches.push(rows) }, async (pool) => {
    assert.deepEqual([...(await pool.run(feed({ x: 3, index: 2 })))], expected({ x: 3, index: 2 }))
  })
  assert.deepEqual(batches, [1])
})

test('requests that come in one turn, or while the worker is busy, share batches and keep their own answers', async () => {
  const batches: number[] = []
  await withPool({ onBatch: ({ rows }) => batches.push(rows) }, async (pool) => {
    const requests = Array.from({ length: 9 }, (_, i) => ({ x: i, steps: i === 0 ? 20 : 0, index: i % 8 }))
    const first = requests.slice(0, 3).map((request) => pool.run(feed(request)))
    await turn()
    const rest = requests.slice(3).map((request) => pool.run(feed(request)))
    const answers = await Promise.all([...first, ...rest])
    for (const [i, answer] of answers.entries()) assert.deepEqual([...answer], expected(requests[i]))
  })
  assert.deepEqual(batches, [3, 4, 2])
})

test('an idle worker beside a busy one holds back for a fuller batch', async () => {
  const batches: number[] = []
  const options = { threads: 2, wait_ms_max: 10_000, onBatch: (batch: { rows: number }) => batches.push(batch.rows) }
  await withPool(options, async (pool) => {
    const busy = pool.run(feed({ x: 1, steps: 100 }))
    await turn()
    await Promise.all([1, 2, 3, 4].map((x) => pool.run(feed({ x }))))
    assert.deepEqual(batches, [4])
    await busy
  })
})

test('a thousand concurrent requests over two workers all get their own answer', async () => {
  await withPool({ threads: 2, batch_max: 8, queue_max: 1000 }, async (pool) => {
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, x) => pool.run(feed({ x, index: x % 8 }))))
    for (const [x, answer] of answers.entries()) assert.deepEqual([...answer], expected({ x, index: x % 8 }))
  })
})

test('inference does not block the event loop', async () => {
  await withPool({}, async (pool) => {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const started = performance.now()
    await pool.run(feed({ x: 1, steps: 400 }))
    const run_ms = performance.now() - started
    delay.disable()
    assert.ok(run_ms > 40, `the run took ${run_ms} ms, too short to tell`)
    assert.ok(
      delay.percentile(50) / 1e6 < run_ms / 4,
      `median delay ${delay.percentile(50) / 1e6} ms in a run of ${run_ms} ms`,
    )
  })
})

test('a request that the model refuses fails alone', async () => {
  await withPool({}, async (pool) => {
    const busy = pool.run(feed({ x: 0, steps: 20 }))
    await turn()
    const [good, bad, fine] = await Promise.allSettled([
      pool.run(feed({ x: 1 })),
      pool.run(feed({ x: 2, index: 99 })),
      pool.run(feed({ x: 3 })),
    ])
    await busy
    assert.deepEqual([...(good as PromiseFulfilledResult<Float32Array>).value], expected({ x: 1 }))
    assert.deepEqual([...(fine as PromiseFulfilledResult<Float32Array>).value], expected({ x: 3 }))
    assert.equal(bad.status, 'rejected')
    ofKind('failed', /idx=99|out of bounds/)((bad as PromiseRejectedResult).reason)
  })
})

test('the queue is bounded', async () => {
  await withPool({ queue_max: 2 }, async (pool) => {
    const busy = pool.run(feed({ x: 0, steps: 20 }))
    await turn()
    const accepted = [busy, pool.run(feed({ x: 1 })), pool.run(feed({ x: 2 }))]
    assert.equal(pool.depth, 2)
    await assert.rejects(pool.run(feed({ x: 3 })), ofKind('overloaded', /queue is full: 2 requests wait/))
    await Promise.all(accepted)
  })
})

test('requests that an idle worker takes at the end of the turn do not count as waiting', async () => {
  await withPool({ queue_max: 1, batch_max: 4 }, async (pool) => {
    const accepted = Array.from({ length: 5 }, (_, x) => pool.run(feed({ x })))
    await assert.rejects(pool.run(feed({ x: 5 })), ofKind('overloaded', /queue is full/))
    await Promise.all(accepted)
  })
})

test('an abandoned request leaves the queue without running', async () => {
  const batches: number[] = []
  await withPool({ onBatch: ({ rows }) => batches.push(rows) }, async (pool) => {
    const abandon = new AbortController()
    const busy = pool.run(feed({ x: 0, steps: 20 }))
    await turn()
    const dropped = pool.run(feed({ x: 1 }), { signal: abandon.signal })
    abandon.abort(new Error('client went away'))
    await assert.rejects(dropped, /client went away/)
    assert.equal(pool.depth, 0)
    await busy
    await assert.rejects(pool.run(feed({ x: 1 }), { signal: abandon.signal }), /client went away/)
  })
  assert.deepEqual(batches, [1])
})

test('a worker that dies is replaced and its request runs again', async () => {
  const death = join(scratch, 'once')
  process.env.TOWER_DEATH = death
  const crashes: string[] = []
  await withMortal({ onCrash: (error) => crashes.push(error.message) }, async (pool) => {
    writeFileSync(death, '')
    assert.deepEqual([...(await pool.run(feed({ x: 5 })))], expected({ x: 5 }))
    assert.deepEqual(crashes, ['tower worker exited with code 7'])
    assert.deepEqual([...(await pool.run(feed({ x: 6 })))], expected({ x: 6 }))
  })
})

test('a request under which workers die twice fails clearly', async () => {
  const death = join(scratch, 'twice')
  process.env.TOWER_DEATH = death
  await withMortal({ onCrash: () => writeFileSync(death, '') }, async (pool) => {
    writeFileSync(death, '')
    await assert.rejects(pool.run(feed({ x: 5 })), ofKind('crashed', /exited with code 7/))
    rmSync(death, { force: true })
    assert.deepEqual([...(await pool.run(feed({ x: 6 })))], expected({ x: 6 }))
  })
})

test('a worker that is replaced has the model of the pool, whatever took its name meanwhile', async () => {
  const death = join(scratch, 'renamed')
  process.env.TOWER_DEATH = death
  const [model, other] = [join(scratch, 'serving.onnx'), join(scratch, 'other.onnx')]
  copyFileSync(toy.model, model)
  writeFileSync(other, 'else')
  await withMortal({ model }, async (pool) => {
    renameSync(other, model)
    writeFileSync(death, '')
    assert.deepEqual([...(await pool.run(feed({ x: 5 })))], expected({ x: 5 }))
    assert.equal(existsSync(death), false, 'a worker died')
  })
})

test('while no worker can be started requests fail at once, and the next that starts ends it', async () => {
  const death = join(scratch, 'gone')
  process.env.TOWER_DEATH = death
  const model = join(scratch, 'toy.onnx')
  copyFileSync(toy.model, model)
  const crashes: string[] = []
  await withMortal({ model, onCrash: (error) => crashes.push(error.message) }, async (pool) => {
    writeFileSync(model, 'else')
    writeFileSync(death, '')
    await assert.rejects(pool.run(feed({ x: 5 })), ofKind('crashed', /^no tower worker can be started$/))
    await assert.rejects(pool.run(feed({ x: 5 })), ofKind('crashed', /no tower worker can be started/))
    assert.match(String(pool.broken?.cause), /toy.onnx: found SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/)
    copyFileSync(toy.model, model)
    let answer: Float32Array | null = null
    for (let tries = 0; tries < 100 && !answer; tries++) {
      await sleep(20)
      answer = await pool.run(feed({ x: 5 })).catch(() => null)
    }
    assert.deepEqual([...answer!], expected({ x: 5 }))
    assert.equal(pool.broken, null)
  })
  assert.ok(crashes.length >= 2)
})

test('a model that does not fit the manifest is refused with every difference', async () => {
  const inputs = [...toy.inputs.slice(0, 2), { name: 'other', dtype: 'float32' as const, shape: [3] }]
  const output = { ...toy.output, shape: [3, 4] }
  await assert.rejects(
    TowerPool.start({ ...toy, inputs, output }),
    /toy.onnx does not fit the manifest: input "index" int32\[batch,1\] is not in the manifest; input "other" .* is not in the model.*; output "vectors": found float32\[batch,2,4\], expected float32\[batch,3,4\]/,
  )
})

test('a model that is not the one of the manifest is refused', async () => {
  const model_sha256 = '0'.repeat(64)
  await assert.rejects(TowerPool.start({ ...toy, model_sha256 }), /toy.onnx: found SHA-256 \w{64}, expected 0{64}/)
})

test('a model that ONNX Runtime cannot read is refused by name', async () => {
  const model = join(scratch, 'else.onnx')
  writeFileSync(model, 'else')
  const model_sha256 = createHash('sha256').update('else').digest('hex')
  await assert.rejects(TowerPool.start({ ...toy, model, model_sha256 }), /else.onnx: .*[Pp]rotobuf/)
})

test('a missing model file is refused by name', async () => {
  await assert.rejects(TowerPool.start({ ...toy, model: '/nowhere/tower.onnx' }), /\/nowhere\/tower.onnx/)
})

test('closing answers what runs, and rejects what waits and what comes later', async () => {
  const pool = await TowerPool.start(toy)
  const running = pool.run(feed({ x: 2, steps: 500 }))
  await turn()
  const waiting = assert.rejects(pool.run(feed({ x: 1 })), ofKind('closed', /tower pool closed/))
  await pool.close()
  await waiting
  assert.deepEqual([...(await running)], expected({ x: 2, steps: 500 }))
  await assert.rejects(pool.run(feed({ x: 1 })), ofKind('closed', /tower pool closed/))
})
