// Places are judged by the epochs of a log, and by the event at their position where epochs leave it open.
import { describe, expect, test } from 'vitest'
import { position } from '../codec/index.ts'
import { judgePlace } from '../checks/index.ts'
import type { LogPlace } from './index.ts'

// a: 1 2 3 4 5, b goes on after 3 with 4 5 6 7, and c after 5 of b with 6.
const epochs = [
  { epoch: 'a', forkPosition: position(0) },
  { epoch: 'b', forkPosition: position(3) },
  { epoch: 'c', forkPosition: position(5) },
]
const events = ['a1', 'a2', 'a3', 'b4', 'b5', 'c6']

function judged(text: string, of: readonly (typeof epochs)[number][] = epochs): string {
  const [epoch = '', event = ''] = text.split(' ')
  const place: LogPlace = { epoch, position: position(Number(event.slice(1))), eventId: event }
  return judgePlace(place, of, (at) => events[at - 1])
}

describe('a place', () => {
  test.each(['a a1', 'a a3', 'b a2', 'b b4', 'b b5', 'c a1', 'c b4', 'c c6'])('%s is held', (text) => {
    expect(judged(text)).toBe('held')
  })

  test.each(['a a4', 'a b4', 'a a5', 'b b6', 'b b7', 'b c6'])('%s is beyond a fork', (text) => {
    expect(judged(text)).toBe('forked')
  })

  test.each(['c x6', 'c b6', 'c c7', 'b a5', 'a x1'])('%s is not what the log has there', (text) => {
    expect(judged(text)).toBe('replaced')
  })

  test.each(['d a1', ' a1', 'd d0'])('%s names an epoch that the log never had', (text) => {
    expect(judged(text)).toBe('foreign')
  })

  test('before the first event is held in every epoch, and asks for no event', () => {
    for (const { epoch } of epochs) {
      const nothing = { epoch, position: position(0), eventId: '' }
      const ask = (): string => expect.unreachable()
      expect(judgePlace(nothing, epochs, ask)).toBe('held')
    }
  })

  test('beyond a later fork is lost although an epoch between would hold it', () => {
    const back = [...epochs.slice(0, 2), { epoch: 'c', forkPosition: position(2) }]
    expect([judged('a a3', back), judged('a a2', back), judged('b a3', back)]).toEqual([
      'forked',
      'held',
      'forked',
    ])
  })
})
