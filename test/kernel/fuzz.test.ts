import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzBlobs, fuzzTables } from './fuzz.ts'

const COUNT = 1500

for (const [name, fuzz] of Object.entries({ 'item tables': fuzzTables, 'count blobs': fuzzBlobs })) {
  test(`mutated ${name} are scored or refused, nothing else`, async () => {
    const { accepted, refused } = await fuzz({ count: COUNT, seed: 2 })
    assert.equal(accepted + refused, COUNT)
    assert.ok(accepted > COUNT / 50 && refused > COUNT / 50, `${accepted} accepted, ${refused} refused`)
  })
}
