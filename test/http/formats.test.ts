import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptedFormat } from '../../src/http/accept.ts'
import { formatOf } from '../../src/http/formats.ts'

test('a body is what its content type says, parameters aside', () => {
  assert.equal(formatOf('application/json; charset=utf-8'), 'json')
  assert.equal(formatOf('application/cbor'), 'cbor')
})

test('without a preference the answer speaks as the request did', () => {
  for (const accept of [
    undefined,
    '*/*',
    'application/*',
    'application/json, application/cbor',
    'text/html, */*;q=0.1',
  ]) {
    assert.equal(acceptedFormat(accept, 'json'), 'json', accept)
    assert.equal(acceptedFormat(accept, 'cbor'), 'cbor', accept)
  }
})

test('the higher weight decides', () => {
  assert.equal(acceptedFormat('application/cbor', 'json'), 'cbor')
  assert.equal(acceptedFormat('application/json;q=0.3, application/cbor;q=0.4', 'json'), 'cbor')
  assert.equal(acceptedFormat('Application/JSON ; q=1.0, application/cbor;q=0.9', 'cbor'), 'json')
})

test('an explicit refusal outweighs a wildcard', () => {
  assert.equal(acceptedFormat('application/json;q=0, */*', 'json'), 'cbor')
})

test('what cannot be had is refused, naming both formats', () => {
  for (const accept of ['text/html', 'application/json;q=0', 'application/json;q=x', '']) {
    assert.throws(() => acceptedFormat(accept, 'json'), { code: 'not_acceptable' }, accept)
  }
})
