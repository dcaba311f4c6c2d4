// What operators see of a store beside whoever writes it, the same of every adapter.
export { partNames, splitName } from './part-names.ts'
export type { InspectedLease, InspectedProcess, InspectedSession } from './inspected-processes.ts'
export type {
  InspectedCollection,
  InspectedCommand,
  InspectedLog,
  WantedCommands,
} from './inspected-store.ts'
export type { FoundDocuments, ReadModelViews, ViewedCollection } from './read-model-views.ts'
