// The event stores on PostgreSQL that Rampart is compared with, each in a database of its own on one server.
import { join } from 'node:path'
import { peersFolder, versionOf } from '../install-peers.ts'
import type { BenchPostgres } from '../postgres-server.ts'
import type { deposit } from './bank.ts'

type Deposit = ReturnType<typeof deposit>

/** What every peer can do, in its own best way; written in JavaScript beside their packages. */
export interface Peer {
  /** Appends one event to a stream of that version; rejects when it has another one. */
  readonly append: (stream: string, version: number, data: Deposit) => Promise<void>
  /** Appends many events to a new stream. */
  readonly fill: (stream: string, datas: readonly Deposit[]) => Promise<void>
  /** How many events are recorded. */
  readonly count: () => Promise<number>
  /** The state of a stream, folded from its events. */
  readonly load: (stream: string) => Promise<{ readonly version: number; readonly cents: number }>
  /**
   * Folds every event into an empty table of groups, by a projection of that name, and tells what it holds;
   * absent where nothing can.
   */
  readonly catchUp?: (deposits: number, name: string) => Promise<Sums>
  /** Handles a command on a stream, and tells the version after it; absent where nothing projects. */
  readonly command?: (stream: string, data: Deposit) => Promise<number>
  /** The balance of a stream, if there is one yet. */
  readonly read?: (stream: string) => Promise<Balance | undefined>
  readonly close: () => Promise<void>
}

/** What the groups of a read model come to together. */
export interface Sums {
  readonly deposits: number
  readonly cents: number
}

/** A document of a read model, with the version of its stream. */
export interface Balance {
  readonly version: number
  readonly cents: number
}

/** A peer and how it is opened; its pool has the size at which it is fastest. */
export interface PeerKind {
  readonly name: string
  readonly file: string
  readonly options?: { readonly connections?: number; readonly projected?: 'inline' | 'asynchronous' }
}

/** Emmett; the floors speak of it. */
export const emmett: PeerKind = { name: 'Emmett', file: 'emmett.js' }
/** message-db; the floors speak of it. */
export const messageDb: PeerKind = { name: 'message-db', file: 'message-db.js' }
/** evtstore. */
export const evtstore: PeerKind = { name: 'evtstore', file: 'evtstore.js', options: { connections: 32 } }
/** Castore. */
export const castore: PeerKind = { name: 'Castore', file: 'castore.js' }
/** All of them. */
export const peers: readonly PeerKind[] = [emmett, messageDb, evtstore, castore]

/** The peers with their versions, for a note. */
export function peersText(): string {
  const versions = [
    `Emmett ${versionOf('@event-driven-io/emmett-postgresql')}`,
    `message-db ${versionOf('@eventide/message-db')}`,
    `evtstore ${versionOf('evtstore')}`,
    `Castore ${versionOf('@castore/event-storage-adapter-postgres')}`,
  ]
  return versions.join(', ')
}

/** Works with a peer in a new database. */
export function withPeer<T>(
  server: BenchPostgres,
  { file, options }: PeerKind,
  work: (peer: Peer) => Promise<T>,
): Promise<T> {
  return server.inDatabase(async (url) => {
    // What each of these files exports.
    const { open }: { readonly open: (url: string, options: PeerKind['options']) => Promise<Peer> } =
      await import(join(peersFolder, file))
    const peer = await open(url, options)
    try {
      return await work(peer)
    } finally {
      await peer.close()
    }
  })
}
