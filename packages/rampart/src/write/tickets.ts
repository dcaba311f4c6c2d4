// Names of appends, by which later ones say that they build on them before anything is recorded.
import type { Runtime } from '../core/index.ts'

/** Makes names that are unique among those of all services that a store may meet. */
export function createTickets(runtime: Runtime): () => string {
  const prefix = `${runtime.uuid().slice(-12)}-`
  let tickets = 0
  return () => prefix + String(tickets++)
}
