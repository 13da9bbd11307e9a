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
    deadline_ms: 1000,
    explain: { ids: [9] },
  },
]

export const ANSWER_EXAMPLE = {
  request_id: '6d0c7f0e-64a7-4c0e-9d51-0a9b8f3c2f11',
  model: {
    name: 'demo',
    version: '1',
    fingerprint: 'e6e95a589e0adbb0bd1daad0d972db389c48cc0fbfc23683c060080e069624c0',
  },
  ids: [87, 1204, 4410],
  scores: [1.25, 0.75, 0.125],
  counts: { candidates: 5, scored: 4, unknown: 1, duplicates: 0 },
  degraded: [],
}

/** Long ago: sent as they are, they come back as late. */
export const ENGAGEMENTS_EXAMPLES = [
  {
    events: [
      {
        id: '0b9a4c1e-5d2f-4a6b-8f3e-1c7d9e2a4b60',
        time: 1_760_000_000_000,
        action: 'click',
        item: 87,
        user: { id: 'u17', country: 'DE' },
        query: { text: 'red running shoes' },
      },
      { id: 'wishlist-5512', time: 1_760_000_004_000, action: 'save', item: 1204, user: { id: 'u17' } },
    ],
  },
]

export const ENGAGEMENTS_ANSWER_EXAMPLE = {
  request_id: '2f6b1c1d-9a53-4f0e-b7a8-3f1f5f0c9d11',
  outcomes: ['applied', 'duplicate'],
  counts: { applied: 1, out_of_order: 0, duplicate: 1, late: 0, future: 0, ignored: 0, failed: 0 },
}
