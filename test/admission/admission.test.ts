import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Admission, type Ask, createAdmission, type Ticket } from '../../src/admission/admission.ts'
import { createEstimate } from '../../src/admission/estimate.ts'
import { createFlow } from '../../src/admission/flow.ts'
import { createStandingQueue } from '../../src/admission/standing_queue.ts'
import { createTurns } from '../../src/admission/turns.ts'
import { ServiceError } from '../../src/errors.ts'

const LIMITS = {
  candidates_in_flight_max: 1000,
  body_bytes_in_flight_max: 5000,
  queue_wait_max_ms: 100,
  queue_wait_standing_ms: 5,
}
const idle = { wait_ms: 0, own_ms: 1, oldest_ms: 0, left_ms: 1000, candidates: 0, bytes: 0 }
const refusedFor = (reason: string) => (error: unknown) => error instanceof ServiceError && error.reason === reason
const reasonOf = (admission: Admission, ask: Ask) => admission.refusalOf(ask)?.reason ?? null

test('what is in flight is counted in candidates and bytes, and given back', () => {
  const admission = createAdmission(LIMITS)
  const [one, other] = [admission.open(), admission.open()]
  one.holdCandidates(700)
  one.holdBytes(4000)
  assert.equal(reasonOf(admission, { ...idle, candidates: 301 }), 'candidates')
  assert.equal(reasonOf(admission, { ...idle, bytes: 1001 }), 'bytes')
  assert.throws(() => other.holdCandidates(301), refusedFor('candidates'))
  assert.equal(reasonOf(admission, { ...idle, candidates: 300, bytes: 1000 }), null)
  other.holdCandidates(300)
  assert.equal(admission.candidates, 1000)
  one.holdCandidates(100)
  assert.equal(admission.candidates, 400, 'an amount replaces the one before')
  one.close()
  other.close()
  one.close()
  assert.deepEqual([admission.candidates, admission.bytes], [0, 0])
})

test('a request larger than the limit comes in when it is alone', () => {
  const admission = createAdmission(LIMITS)
  const ticket = admission.open()
  ticket.holdCandidates(100_000)
  assert.equal(reasonOf(admission, { ...idle, candidates: 1 }), 'candidates')
  ticket.close()
  assert.equal(reasonOf(admission, { ...idle, candidates: 100_000 }), null)
})

/** With as many in work as there are stages. */
function busyAdmission() {
  const admission = createAdmission(LIMITS)
  const tickets = Array.from({ length: 4 }, () => admission.open())
  return { admission, tickets }
}

test('a wait refuses nobody while no more are in flight than can be in work at once', () => {
  const { admission, tickets } = busyAdmission()
  const late = { ...idle, oldest_ms: 400, wait_ms: 300 }
  assert.equal(reasonOf(admission, late), 'queue_age')
  tickets[0].close()
  tickets[0].close()
  assert.equal(reasonOf(admission, late), null)
  const ticket = admission.open()
  assert.equal(reasonOf(admission, { ...late, ticket }), null)
  assert.equal(reasonOf(admission, late), 'queue_age')
})

test('nobody joins a queue whose oldest has waited too long', () => {
  const { admission } = busyAdmission()
  assert.equal(reasonOf(admission, { ...idle, oldest_ms: 101 }), 'queue_age')
})

test('nobody waits for longer than a share of the time that is left', () => {
  const { admission } = busyAdmission()
  assert.equal(reasonOf(admission, { ...idle, wait_ms: 40 }), null)
  assert.equal(reasonOf(admission, { ...idle, wait_ms: 40, left_ms: 150 }), 'queue_wait')
  assert.equal(reasonOf(admission, { ...idle, oldest_ms: 40, left_ms: 150 }), 'queue_age')
  assert.equal(reasonOf(admission, { ...idle, wait_ms: 40, left_ms: -1 }), null)
  assert.equal(reasonOf(admission, { ...idle, left_ms: 0.001 }), null)
})

/** Into work, with ten candidates. */
function enterTen(admission: Admission): Ticket {
  const ticket = admission.open()
  ticket.holdCandidates(10)
  return ticket
}

for (const at_once of [1, 5]) {
  test(`who comes waits for those in work, wherever they are; ${at_once} of them answered at once`, () => {
    let now_ms = 0
    const admission = createAdmission(LIMITS, () => now_ms)
    const enter = () => enterTen(admission)
    const in_work = Array.from({ length: 5 }, enter)
    for (let round = 0; round < 100; round++) {
      now_ms += 10 * at_once
      for (let answer = 0; answer < at_once; answer++) {
        in_work.push(enter())
        in_work.shift()!.answered()
      }
    }
    const ask = { ...idle, candidates: 10 }
    assert.equal(reasonOf(admission, { ...ask, left_ms: 260 }), null)
    assert.equal(reasonOf(admission, { ...ask, left_ms: 200 }), 'queue_wait', 'five times ten')
    const more = Array.from({ length: 10 }, enter)
    assert.equal(reasonOf(admission, { ...ask, left_ms: 10_000 }), 'queue_wait')
    for (const ticket of more) ticket.close()
    const uploading = Array.from({ length: 10 }, () => admission.open())
    assert.equal(reasonOf(admission, { ...ask, left_ms: 260 }), null)
    for (const ticket of [...uploading, ...in_work]) ticket.close()
    assert.equal(reasonOf(admission, { ...ask, left_ms: 0.1 }), null)
  })
}

test('of what others cost, nobody waits for more than as much as the own', () => {
  let now_ms = 0
  const flow = createFlow(() => now_ms)
  assert.equal(flow.wait_ms(1000, [1000, 1000]), 0, 'nothing is known yet')
  flow.busy()
  for (let round = 0; round < 100; round++) {
    for (const candidates of [1000, 100_000]) {
      now_ms += candidates / 1000
      flow.answered(candidates)
    }
  }
  now_ms += 60_000
  flow.busy()
  now_ms += 1
  flow.answered(1000)
  const wait_ms = (candidates: number, others: number[]) => Math.round(flow.wait_ms(candidates, others))
  assert.equal(wait_ms(1000, [100_000, 100_000, 1000]), 3)
  assert.equal(wait_ms(100_000, [100_000, 1000, 1000]), 102)
})

test('how long a few take, beside bodies that are on their way, says nothing of what a request costs', () => {
  let now_ms = 0
  const admission = createAdmission(LIMITS, () => now_ms)
  const uploading = Array.from({ length: 10 }, () => admission.open())
  for (let round = 0; round < 100; round++) {
    now_ms += 5000
    const ticket = admission.open()
    ticket.holdCandidates(10)
    now_ms += 50
    ticket.answered()
  }
  for (let count = 0; count < 10; count++) admission.open().holdCandidates(10)
  assert.equal(reasonOf(admission, { ...idle, candidates: 10, left_ms: 100 }), null)
  for (const ticket of uploading) ticket.close()
})

test('the time in which too few are in work says nothing of what a request costs', () => {
  let now_ms = 0
  const admission = createAdmission(LIMITS, () => now_ms)
  const enter = () => enterTen(admission)
  now_ms += 10_000
  const in_work = Array.from({ length: 5 }, enter)
  now_ms += 10
  in_work[0].answered()
  assert.equal(reasonOf(admission, { ...idle, candidates: 10, left_ms: 260 }), null)
  assert.equal(reasonOf(admission, { ...idle, candidates: 10, left_ms: 150 }), 'queue_wait', 'four times ten')
})

test('a burst may queue; a queue that stands is kept short, until it was empty once', () => {
  let now_ms = 0
  const queue = createStandingQueue({ burst_ms: 100, standing_ms: 5 }, () => now_ms)
  const refuses = (wait_ms: number, own_ms = 1) => queue.refuses({ wait_ms, own_ms, most_ms: 200 })
  assert.equal(refuses(90), false)
  assert.equal(refuses(101), true)
  now_ms = 101
  assert.equal(refuses(6), true, 'never empty for longer than a burst')
  assert.equal(refuses(4), false)
  assert.equal(refuses(20, 25), false, 'what takes long may wait as long')
  assert.equal(refuses(0), false)
  assert.equal(refuses(90), false, 'empty a moment ago: a burst again')
})

test('a turn runs a millisecond of work, then the event loop goes round', async () => {
  const turns = createTurns()
  const order: string[] = []
  const busy = (name: string) => () => {
    const end_ms = performance.now() + 1.5
    while (performance.now() < end_ms);
    order.push(name)
  }
  const piece = { arrived_ms: performance.now(), cost_ms: 1.5 }
  const first = turns.run(busy('at once'), piece)
  assert.deepEqual(order, ['at once'])
  const waiting = ['a', 'b', 'c'].map((name) => turns.run(busy(name), piece))
  assert.ok(turns.wait_ms(1.5) >= 4.5)
  setImmediate(() => order.push('loop'))
  await Promise.all([first, ...waiting])
  assert.ok(order.indexOf('loop') < order.indexOf('c'), `${order}`)
  assert.equal(turns.wait_ms(1), 0)
  await assert.rejects(
    turns.run(() => {
      throw new Error('as it is')
    }, piece),
    /as it is/,
  )
})

test('answers go first, small requests overtake a large one that just came, but not one that has waited', async () => {
  const turns = createTurns()
  const order: string[] = []
  const now_ms = performance.now()
  const spin = () => {
    while (performance.now() - now_ms < 2);
  }
  const run = (name: string, piece: { arrived_ms: number; cost_ms: number; last?: boolean }) =>
    turns.run(() => order.push(name), piece)
  await Promise.all([
    turns.run(spin, { arrived_ms: now_ms, cost_ms: 2 }),
    run('large', { arrived_ms: now_ms, cost_ms: 25 }),
    run('small', { arrived_ms: now_ms + 10, cost_ms: 0.3 }),
    run('small, later', { arrived_ms: now_ms + 60, cost_ms: 0.3 }),
    run('answer', { arrived_ms: now_ms + 100, cost_ms: 0.3, last: true }),
  ])
  assert.deepEqual(order, ['answer', 'small', 'large', 'small, later'])
})

test('a request that is read just after a long piece may have come while it ran', async () => {
  let now_ms = 100
  const turns = createTurns(() => now_ms)
  const piece = () => {
    now_ms += 20
  }
  await turns.run(piece, { arrived_ms: 100, cost_ms: 20 })
  assert.equal(turns.arrival_ms(), 100)
  now_ms += 20
  assert.equal(turns.arrival_ms(), 140)
})

test('an estimate follows a line through what it saw, and grows in proportion where it saw one size', () => {
  const line = createEstimate()
  assert.equal(line.of(1000), 0)
  for (let round = 0; round < 40; round++) for (const size of [1000, 100_000]) line.seen(size, 1 + size / 10_000)
  assert.ok(Math.abs(line.of(50_000) - 6) < 0.1, `${line.of(50_000)}`)
  assert.ok(line.of(1) < 1.2)
  const point = createEstimate()
  for (let round = 0; round < 10; round++) point.seen(1000, 2)
  assert.deepEqual([point.of(10), point.of(1000), point.of(10_000)].map(Math.round), [2, 2, 20])
})
