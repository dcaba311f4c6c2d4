// The lease port: which of the processes that share a store does the work that one at a time may do.
//
//   free ──taken, fence 1──> held ──given back──> free ──taken, fence 2──> held by another
//                             │ ^
//                     renewed └─┘ in time; else it runs out, and whoever asks takes it, with the next fence
//
// A lease says who works. It cannot stop a holder that stood still for longer than its time and does not know
// that yet: its fence does, which goes with everything that it changes.
//
// Promises, each proved by the rules of the same number in the conformance suite:
//
// LE-1 A lease has one holder at a time: it is taken when nobody has it or its time has run out by the clock
//      of the store, and not before.
// LE-2 Each taking has a fence that is larger than all before it of this lease, also after it was given back
//      and when the store is opened again.
// LE-3 A renewal prolongs a lease as long as nobody else took it; one that was taken or given back is lost
//      for good.
// LE-4 A lease that is given back is free at once. Giving back one that is lost changes nothing.
// LE-5 What is changed in a read store under a lease is refused with `LEASE_LOST`, within its transaction,
//      once another has taken the lease.
// LE-6 Names, holders and times are bounded, and checked before anything is stored.
// LE-7 Leases are apart by their names; a listing tells who has each of them, with which fence, and for how
//      long yet.

/** A lease in the hands of its holder. */
export interface Lease {
  readonly name: string
  readonly holder: string
  /** Grows from holder to holder. */
  readonly fence: number
}

/** Who asks for what. */
export interface LeaseRequest {
  readonly name: string
  /** Unique among those who ask; whoever asks again for his own lease gets it with the next fence. */
  readonly holder: string
  /** How long it lasts unless it is renewed: 1 to `leaseMsMax`. */
  readonly leaseMs: number
}

/** A lease as it stands in the store. */
export interface LeaseState {
  readonly name: string
  /** Null when it was given back. */
  readonly holder: string | null
  readonly fence: number
  /** By the clock of the store; 0 when it has run out. */
  readonly leftMs: number
}

/** Words between processes, which may be late, lost or repeated. The name of a lease says that it is free. */
export interface LeaseHints {
  readonly tell: (word: string) => void
  /** Calls back when a word was told, here too. Returns what ends it. */
  readonly listen: (word: string, callback: () => void) => () => void
}

/** The leases of a store. */
export interface LeaseStore {
  /** `undefined` while another has it. Throws `INPUT_INVALID` for what cannot be asked. */
  readonly take: (request: LeaseRequest) => Promise<Lease | undefined>
  /** Lets it last for `leaseMs` from now on; false when it is lost. */
  readonly renew: (lease: Lease, leaseMs: number) => Promise<boolean>
  readonly giveBack: (lease: Lease) => Promise<void>
  /** How those who ask hear of each other; absent where nobody is told. */
  readonly hints?: LeaseHints
  /** In the order of their names. */
  readonly list: () => Promise<readonly LeaseState[]>
}

/** Longest time of a lease: how long work may stand still after a process was killed. */
export const leaseMsMax = 60_000
