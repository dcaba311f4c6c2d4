// The turns that people and rebuilds take between two batches of a projection runner.
import { RampartError } from '../core/index.ts'
import type { Held } from './projection-runner.ts'
import { loadWaiting } from './quarantine.ts'
import { keepReached, startCommit, storeGathered } from './runner-commits.ts'
import { announce, inTurn, type Running } from './running-projection.ts'
import type { Desk } from './treatment.ts'

/** Takes a turn and keeps it, with everything stored, until released. */
export async function hold(running: Running): Promise<Held> {
  const { promise, resolve } = Promise.withResolvers<void>()
  return new Promise((held, failed) => {
    const turn = inTurn(running, async () => {
      await storeGathered(running)
      await running.pending
      await keepReached(running)
      held({ place: running.committed, release: resolve })
      await promise
    })
    turn.catch(failed)
  })
}

/** What an operator works with, between two batches. */
export async function deskOf(running: Running): Promise<Desk> {
  const { options, collection, fold } = running
  if (running.state.status === 'ended') {
    throw new RampartError('SHUTTING_DOWN', 'The read models are being shut down. Try again in a moment.')
  }
  // What failed stays pending, so that the next batch meets the fault too and everything is looked up anew.
  await running.pending
  await storeGathered(running)
  await running.pending
  return {
    fold,
    collection,
    store: options.store,
    nowMs: options.runtime.nowMs(),
    at: running.reached.position,
    async commit(changed, quarantine) {
      startCommit(running, { to: running.reached, changed, quarantine })
      await running.pending
      running.waiting = await loadWaiting(collection)
      // Readers that follow changes look again, although the place has not moved.
      announce(running, { reached: undefined, keys: changed })
    },
  }
}
