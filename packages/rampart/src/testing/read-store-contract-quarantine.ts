// Rules of the read store: keys that stand still, what waits for them, and how they are healed.
import { position } from '../core/codec/index.ts'
import type {
  DocumentCollection,
  QuarantineChange,
  QueuedEvent,
  StoredDocument,
} from '../core/ports/index.ts'
import { expectSame } from './expect.ts'
import {
  document,
  everything,
  keysOf,
  open,
  openWith,
  place,
  shape,
  type ReadStoreRule,
} from './read-store-contract-steps.ts'

function event(at: number, type = 'Placed'): QueuedEvent {
  return { position: position(at), eventId: `append-${at}.0`, type }
}

function queue(key: string, at: number): QuarantineChange {
  return { change: 'queue', key, event: event(at) }
}

function fail(key: string, at: number, error = 'no price'): QuarantineChange {
  return { change: 'fail', key, position: position(at), error, atMs: 1000 + at }
}

/** Moves the checkpoint from 10 to 20 with `a` in quarantine at 12, where two more events wait. */
async function quarantineA(collection: DocumentCollection): Promise<void> {
  const quarantine = [queue('a', 12), fail('a', 12), queue('a', 15), queue('a', 19)]
  await collection.commit({ from: place(10), to: place(20), documents: [document('b', 13, 2)], quarantine })
}

const first = { key: 'a', error: 'no price', sinceMs: 1012, failing: event(12), queued: 3 }

/** RS-9 and RS-10. */
export const quarantineRules: readonly ReadStoreRule[] = [
  {
    name: 'RS-9 a key is quarantined with its batch, and its events wait in order',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, 1), document('b', 1, 1)])
      expectSame('before', await collection.quarantined(), [])
      await quarantineA(collection)
      expectSame('the keys', await collection.quarantined(), [first])
      expectSame('the queue', await collection.queued('a'), [event(12), event(15), event(19)])
      expectSame('the queue of another', await collection.queued('b'), [])
      expectSame('the last good document', (await collection.get('a')).document, document('a', 1, 1))
      const other = await store.openCollection({ ...shape, version: 2 }, 'epoch-1')
      expectSame('another version', await other.quarantined(), [])
    },
  },
  {
    name: 'RS-9 a batch that fails quarantines nothing',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, 1)])
      const unfit = { ...document('b', 12, null), position: null as unknown as StoredDocument['position'] }
      const batches = [
        { from: place(10), to: place(20), documents: [unfit], quarantine: [queue('a', 12), fail('a', 12)] },
        { from: place(9), to: place(20), documents: [], quarantine: [queue('a', 12), fail('a', 12)] },
        { from: place(10), to: place(20), documents: [], quarantine: [queue('a', 12), queue('a', 12)] },
      ]
      for (const batch of batches) {
        const outcome = await collection.commit(batch).then(
          () => 'stored',
          () => 'failed',
        )
        expectSame('the outcome', outcome, 'failed')
      }
      expectSame('the checkpoint', await collection.checkpoint(), place(10))
      expectSame('the keys', await collection.quarantined(), [])
      expectSame('the queue', await collection.queued('a'), [])
    },
  },
  {
    name: 'RS-9 a skipped event leaves the queue and stays on record',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, 1)])
      await quarantineA(collection)
      const skip = { change: 'skip', key: 'a', position: position(12), actor: 'ada', atMs: 7 } as const
      const quarantine = [skip, fail('a', 15, 'no price either')]
      await collection.commit({ from: place(20), to: place(20), documents: [], quarantine })
      const left = { ...first, error: 'no price either', failing: event(15), queued: 2 }
      expectSame('the keys', await collection.quarantined(), [left])
      expectSame('the queue', await collection.queued('a'), [event(15), event(19)])
      const skipped = { key: 'a', event: event(12), actor: 'ada', atMs: 7 }
      expectSame('the record', await collection.skipped(10), [skipped])
    },
  },
  {
    name: 'RS-9 a healed key waits for nothing, and gets its document in the same batch',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, 1), document('b', 1, 1)])
      await quarantineA(collection)
      const quarantine = [{ change: 'heal', key: 'a' }] as const
      await collection.commit({
        from: place(20),
        to: place(20),
        documents: [document('a', 20, 9)],
        quarantine,
      })
      expectSame('the keys', await collection.quarantined(), [])
      expectSame('the queue', await collection.queued('a'), [])
      expectSame('the read', await collection.get('a'), {
        document: document('a', 20, 9),
        checkpoint: place(20),
        isQuarantined: false,
      })
    },
  },
  {
    name: 'RS-9 what is quarantined is there after opening again',
    needs: 'reopens',
    async check({ store, reopen }) {
      await quarantineA(await openWith(store, []))
      const collection = await open(await reopen())
      expectSame('the keys', await collection.quarantined(), [first])
      expectSame('the queue', await collection.queued('a'), [event(12), event(15), event(19)])
    },
  },
  {
    name: 'RS-10 reads and listings mark what is quarantined',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, 1), document('b', 1, 1)])
      await quarantineA(collection)
      const marks = [(await collection.get('a')).isQuarantined, (await collection.get('b')).isQuarantined]
      expectSame('the reads', marks, [true, false])
      const page = await collection.page(everything)
      expectSame('the page', [keysOf(page), [...page.quarantined]], [['a', 'b'], ['a']])
      const rest = await collection.page({ ...everything, afterKey: 'a' })
      expectSame('the next page', [keysOf(rest), [...rest.quarantined]], [['b'], []])
    },
  },
  {
    name: 'RS-10 changes count the keys that were healed',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, 1)])
      const from = { after: { position: position(0), key: '' }, limit: 10 }
      const counts = [(await collection.changes(from)).healed]
      await quarantineA(collection)
      counts.push((await collection.changes(from)).healed)
      const quarantine = [{ change: 'heal', key: 'a' }] as const
      await collection.commit({ from: place(20), to: place(20), documents: [], quarantine })
      counts.push((await collection.changes(from)).healed)
      expectSame('the counts', counts, [0, 0, 1])
    },
  },
]
