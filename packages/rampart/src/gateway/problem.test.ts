// What callers are told of a fault, and what stays with operators.
import { expect, test } from 'vitest'
import { RampartError } from '../core/index.ts'
import { problemOf, retryHeaders, toldOf } from './problem.ts'

const faults = [{ pointer: '/n', detail: 'is missing' }]

test('faults of what was sent are listed, those of what an app made are not', () => {
  const sent = problemOf(new RampartError('INPUT_INVALID', 'It does not fit.', { details: { faults } }))
  expect(sent).toMatchObject({ status: 400, detail: 'It does not fit.', members: { errors: faults } })
  const made = problemOf(new RampartError('EVENT_INVALID', 'A secret.', { details: { faults } }))
  expect(made).toMatchObject({ status: 500, members: {} })
  expect(JSON.stringify(made)).not.toMatch(/secret|missing/)
})

test.each(['DECIDER_FAILED', 'HANDLING_NEVER_ENDED', 'OUTCOME_UNKNOWN', 'STORE_UNAVAILABLE'])(
  'the sentence of %s stays with operators',
  (code) => expect(toldOf(code, 'connect ECONNREFUSED 10.0.0.1')).not.toContain('10.0.0.1'),
)

test('an answer says when to try again where that helps', () => {
  expect([429, 503, 404].map(retryHeaders)).toEqual([{ 'retry-after': '1' }, { 'retry-after': '2' }, {}])
})
