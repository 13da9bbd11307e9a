/** Examples of the documentation. A test sends every one of them to a running service. */

const candidates = [1204, 87, 15233, 9, 4410]

export const REQUEST_EXAMPLES = [
  {
    query: { text: 'red running shoes' },
    user: { id: 'u17', country: 'DE', device: 'phone' },
    candidates,
    top_k: 3,
  },
  {
    request_id: 'search-7f3a',
    query: { text: 'red running shoes' },
    user: { sequence: [{ item: 87, action: 'click', time: 1_760_000_000_000 }] },
    candidates,
    top_k: 3,
    head_weights: { engagement: 1, save: 0.2 },
    deadline_ms: 15,
    explain: { ids: [9] },
  },
]

export const ANSWER_EXAMPLE = {
  request_id: '6d0c7f0e-64a7-4c0e-9d51-0a9b8f3c2f11',
  model: { name: 'demo', version: '1' },
  ids: [87, 1204, 4410],
  scores: [1.25, 0.75, 0.125],
  counts: { candidates: 5, scored: 4, unknown: 1, duplicates: 0 },
  degraded: [],
}
