// A step of the rules of the seal store: events with all that may be recorded with them.
import type { EventStore } from '../core/ports/index.ts'
import { appended, claim, event, write, type EventStoreHarness } from './event-store-contract-steps.ts'

/** Appends twelve events, alone and together, and one that is refused. */
export async function appendAllKinds(harness: EventStoreHarness, log: EventStore): Promise<void> {
  const full = { contentType: 'text/plain', tags: ['a:1', 'ü'], dataSubjectId: 'ada', keyId: 'key-1' }
  harness.setClock(2000)
  await appended(log, { writes: [write('a', 'none')], command: claim(1, { ok: '"ü\u2028' }), actor: 'ü' })
  await appended(log, { writes: [write('a', 1, [event('1'), event('2', { type: 'É' })])] })
  // Clocks go back, times in a log do not.
  harness.setClock(1000)
  await appended(log, { writes: [write('a', 'any')], command: claim(2) })
  const { tags: _, ...untagged } = full
  await Promise.all([
    appended(log, { writes: [write('b', 'none')], command: claim(3, [1]), correlationId: 'c' }),
    appended(log, { writes: [write('c', 0, [event('3', untagged), event('4')])], command: claim(4) }),
    log.append({ writes: [write('a', 1)], command: claim(5) }),
    appended(log, { writes: [write('d', 'any')], causationId: 'd', actor: 'ada' }),
  ])
  await appended(log, { writes: [write('e', 'none', [])], command: claim(6, 'nothing') })
  await Promise.all([
    appended(log, { writes: [write('b', 1, [event('5', full)]), write('f', 'none')], command: claim(7) }),
    appended(log, { writes: [write('g', 'none', [event('6', { schemaVersion: 3 })])], actor: 'ada' }),
  ])
  harness.setClock(3000)
  await appended(log, { writes: [write('a', 'any')] })
}
