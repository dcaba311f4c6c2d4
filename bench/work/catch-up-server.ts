// Serves the accounts until their read model has caught up, and prints how much memory the process had at
// most, in MB.
import { sleep, systemRuntime } from 'rampart'
import { startHost } from 'rampart/host'
import { groupedBank } from './bank.ts'

interface Readiness {
  readonly projections: Readonly<Record<string, { readonly lagEvents: number }>>
}

const host = await startHost({ mounts: [{ prefix: '', app: groupedBank }] })
for (;;) {
  const answer = await fetch(`${host.url}/readyz`)
  // What the gateway answers.
  const { projections } = (await answer.json()) as Readiness
  if (Object.values(projections).every(({ lagEvents }) => lagEvents === 0)) break
  // oxlint-disable-next-line no-await-in-loop -- it is what this waits for
  await sleep(systemRuntime, 100)
}
console.log(process.resourceUsage().maxRSS / 1000)
await host.drain()
