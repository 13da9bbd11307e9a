/**
 * Ranking metrics of one request, defined as in the training code (models/interactrank/metrics.py): each is its expectation
 * when candidates of equal score are in random order, and NaN scores come last. N candidates.
 */

export const METRICS = ['recall@10', 'recall@100', 'recall@300', 'hits@3', 'ndcg@10', 'auc'] as const
export type Metric = (typeof METRICS)[number]
export type RequestMetrics = Record<Metric, number>

/** Candidates of equal score: `size` of them from rank `first` (from 0); `engaged` of them have a gain, `gain` in all. */
type Tie = { first: number; size: number; engaged: number; gain: number }

/** NaN for every metric without an engaged candidate; auc also needs one that is not. */
export function requestMetrics(scores: ArrayLike<number>, gains: ArrayLike<number>): RequestMetrics {
  const ties = tiesOf(scores, gains)
  const engaged = ties.reduce((sum, tie) => sum + tie.engaged, 0)
  if (engaged === 0) return Object.fromEntries(METRICS.map((metric) => [metric, Number.NaN])) as RequestMetrics
  const recall = (k: number) =>
    ties.reduce((sum, { first, size, engaged: some }) => sum + some * clip((k - first) / size, 1), 0) / engaged
  return {
    'recall@10': recall(10),
    'recall@100': recall(100),
    'recall@300': recall(300),
    'hits@3': hits(ties, 3),
    'ndcg@10': ndcg(ties, gains, 10),
    auc: auc(ties, engaged, scores.length),
  }
}

function tiesOf(scores: ArrayLike<number>, gains: ArrayLike<number>): Tie[] {
  const order = Array.from({ length: scores.length }, (_, at) => at).sort((a, b) => compare(scores[a], scores[b]))
  const ties: Tie[] = []
  for (const [rank, at] of order.entries()) {
    const same = rank > 0 && compare(scores[order[rank - 1]], scores[at]) === 0
    if (!same) ties.push({ first: rank, size: 0, engaged: 0, gain: 0 })
    const tie = ties[ties.length - 1]
    tie.size++
    if (gains[at] > 0) tie.engaged++
    tie.gain += gains[at]
  }
  return ties
}

/** Descending, NaN last and equal to NaN. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return b > a ? 1 : b < a ? -1 : 0
}

/** 1 − the chance that no engaged candidate is among the first k: over ties, drawing their places without replacement. */
function hits(ties: Tie[], k: number): number {
  let none = 1
  for (const { first, size, engaged } of ties) {
    const places = Math.min(Math.max(k - first, 0), size)
    for (let place = 0; place < places; place++) none *= Math.max(size - engaged - place, 0) / (size - place)
  }
  return 1 - none
}

function ndcg(ties: Tie[], gains: ArrayLike<number>, k: number): number {
  const discount = (rank: number) => (rank < k ? 1 / Math.log2(rank + 2) : 0)
  let gained = 0
  for (const { first, size, gain } of ties) {
    let sum = 0
    for (let rank = first; rank < Math.min(first + size, k); rank++) sum += discount(rank)
    gained += (gain * sum) / size
  }
  const ideal = Array.from(gains).sort((a, b) => b - a)
  const best = ideal.slice(0, k).reduce((sum, gain, rank) => sum + gain * discount(rank), 0)
  return best > 0 ? gained / best : Number.NaN
}

/** Chance that an engaged candidate scores above one that is not; ties count half. */
function auc(ties: Tie[], engaged: number, candidates: number): number {
  const pairs = engaged * (candidates - engaged)
  const from_bottom = ties.reduce(
    (sum, { first, size, engaged: some }) => sum + some * (candidates + 1 - (first + (size + 1) / 2)),
    0,
  )
  return pairs > 0 ? (from_bottom - (engaged * (engaged + 1)) / 2) / pairs : Number.NaN
}

function clip(value: number, maximum: number): number {
  return Math.min(Math.max(value, 0), maximum)
}
