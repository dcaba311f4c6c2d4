// Papers that are shared with people, and a synchronous table of who may see what, for the tests of
// synchronous projections.
import { z } from 'zod'
import { documentLengthMax } from '../../core/checks/index.ts'
import { context, decider, decision, events, projection, state } from '../../core/index.ts'
import { app } from '../app.ts'

export const paperEvents = events('paper', {
  PaperShared: {
    version: 1,
    schema: z.strictObject({ person: z.string() }),
    tags: ({ person }) => [`person:${person}`],
  },
  SharingEnded: { version: 1, schema: z.strictObject({ person: z.string() }) },
  PaperRead: { version: 1, schema: z.strictObject({ times: z.int() }) },
})
const { PaperShared, SharingEnded, PaperRead } = paperEvents.make

const paper = decider(paperEvents, {
  state: state(1, (): { readonly people: readonly string[] } => ({ people: [] })),
  evolve: {
    PaperShared: ({ people }, { person }) => ({ people: [...people, person] }),
    SharingEnded: ({ people }, { person }) => ({ people: people.filter((each) => each !== person) }),
    PaperRead: (before) => before,
  },
  commands: {
    SharePaper: {
      schema: z.strictObject({ people: z.array(z.string()) }),
      refuses: ['SHARED_ALREADY'],
      creates: true,
      decide: (before, { people }, { refuse }) =>
        people.some((person) => before.people.includes(person))
          ? refuse('SHARED_ALREADY')
          : people.map((person) => PaperShared({ person })),
    },
    EndSharing: {
      schema: z.strictObject({ person: z.string() }),
      refuses: ['NOT_SHARED'],
      decide: (before, { person }, { refuse }) =>
        before.people.includes(person) ? SharingEnded({ person }) : refuse('NOT_SHARED'),
    },
    ReadPaper: {
      schema: z.strictObject({ times: z.int() }),
      refuses: [],
      decide: (_, { times }) => PaperRead({ times }),
    },
  },
})

const welcome = decision('WelcomePerson', {
  of: paperEvents,
  schema: z.strictObject({ person: z.string() }),
  refuses: ['KNOWN_ALREADY'],
  query: ({ person }) => [{ tags: [`person:${person}`] }],
  state: state(1, () => ({ isKnown: false })),
  evolve: { PaperShared: () => ({ isKnown: true }) },
  decide: ({ isKnown }, { person }, { refuse }) =>
    isKnown ? refuse('KNOWN_ALREADY') : PaperShared({ person }),
})

let spoiled: string | undefined
let swollen: { readonly people: readonly string[]; readonly length: number } = { people: [], length: 0 }

/** Makes the handlers of the access table throw for a person. */
export function spoil(person: string | undefined): void {
  spoiled = person
}

/** Makes the documents of people longer by so many characters, beyond what any may have unless said. */
export function swell(people: readonly string[], length = documentLengthMax): void {
  swollen = { people, length }
}

/** Who may see which papers. */
export function accessTable(version: number, name = 'access') {
  return projection(name, {
    version,
    synchronous: true,
    of: paperEvents,
    key: { PaperShared: ({ data }) => data.person, SharingEnded: ({ data }) => data.person },
    initial: { papers: [] as readonly string[], count: '0', name: '' },
    on: {
      PaperShared({ papers }, { id }, person) {
        if (person === spoiled) throw new Error('this person is spoiled')
        const swelling = swollen.people.includes(person) ? '.'.repeat(swollen.length) : ''
        return {
          papers: [...papers, id],
          count: String(papers.length + 1),
          name: `Person ${person}${swelling}`,
        }
      },
      SharingEnded({ papers, ...document }, { data, id }) {
        if (data.person === spoiled) throw new Error('this person is spoiled')
        const left = papers.filter((each) => each !== id)
        return left.length === 0 ? null : { ...document, papers: left, count: String(left.length) }
      },
    },
    indexes: ['count'],
    search: ['name'],
  })
}

const sharing = projection('sharing', {
  version: 1,
  synchronous: true,
  of: paperEvents,
  key: 'stream',
  initial: { people: 0 },
  on: {
    PaperShared: ({ people }) => ({ people: people + 1 }),
    SharingEnded: ({ people }) => ({ people: people - 1 }),
  },
})

const readings = projection('readings', {
  version: 1,
  of: paperEvents,
  key: { PaperRead: () => 'all' },
  initial: { times: 0 },
  on: { PaperRead: ({ times }, { data }) => ({ times: times + data.times }) },
})

/** The app, whose access table has a version. */
export function papersApp(version = 1) {
  const papers = context('papers', {
    deciders: [paper],
    decisions: [welcome],
    projections: [accessTable(version), sharing, readings],
  })
  return app('papers', { contexts: [papers] })
}

/** The same with a projection that follows the log. */
export function papersAndSharesApp() {
  const shares = projection('shares', {
    version: 1,
    of: paperEvents,
    key: 'stream',
    initial: { shares: 0 },
    on: { PaperShared: (before) => ({ shares: before.shares + 1 }) },
  })
  const projections = [accessTable(1), sharing, readings, shares]
  return app('papers', {
    contexts: [context('papers', { deciders: [paper], decisions: [welcome], projections })],
  })
}
