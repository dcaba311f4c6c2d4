// A process dies at its writes and syncs, at each of them in turn, and the next one finds all of what it did
// or nothing of it. `npm run test:faults` takes every point; `npm test` takes some of the same.
import { describe, expect, test } from 'vitest'
import { acts } from './acts.ts'
import { sweep } from './crash-points.ts'
import { everyPoint, tracer } from './tools.ts'

const planted = 'a torn append'
const points = everyPoint ? 'all' : 'middle'
const some = ['an append with a state and tags', 'a migration']
const names = everyPoint ? Object.keys(acts).filter((name) => name !== planted) : some

describe.runIf(tracer.isMet)(`a process that dies at ${points} points${tracer.note}`, () => {
  test.each(names)('of %s leaves it whole or undone', { timeout: 300_000 }, async (name) => {
    const { killed, broken } = await sweep(name, points)
    expect(broken).toEqual([])
    expect(killed).toBeGreaterThan(2)
    if (everyPoint) console.log(`${name}: ${killed} points`)
  })

  test.runIf(everyPoint)(
    'of an append that is torn on purpose is found out',
    { timeout: 300_000 },
    async () => {
      expect((await sweep(planted, 'all')).broken.length).toBeGreaterThan(0)
    },
  )
})
