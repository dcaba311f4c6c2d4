// The inbox port over SQLite: changes go through the commit queue of the store, beside its appends.
import { createInboxChanges } from '../core/group-commit/index.ts'
import type { CommandInbox } from '../core/ports/index.ts'
import type { OpenLog, OpenStore } from './open-store.ts'

/** The inbox of one log. */
export function createCommandInbox({ queue, reads }: OpenStore, log: OpenLog): CommandInbox {
  const { identity } = log
  return {
    ...createInboxChanges(queue, log),
    find: async (id) => reads().inbox.find(identity, id),
    depth: async () => reads().inbox.depth(identity),
    deadLetters: async (limit) => reads().inbox.deadLetters(identity, limit),
  }
}
