// What a decision may say and what must not compile: events, data, queries, refusals, and how it is sent.
import { context, decision, events, state, type Decision } from 'rampart'
import { app, openApp, type CommandAnswer } from 'rampart/host'
import { z } from 'zod'

const seat = z.strictObject({ courseId: z.string(), studentId: z.string() })
const courseEvents = events('course', {
  CourseOpened: {
    version: 1,
    schema: z.strictObject({ courseId: z.string(), seats: z.int() }),
    tags: ({ courseId }) => [`course:${courseId}`],
  },
  StudentEnrolled: { version: 1, schema: seat, tags: ({ courseId }) => [`course:${courseId}`] },
})
const studentEvents = events('student', {
  StudentRegistered: { version: 1, schema: z.strictObject({ email: z.string() }) },
})
const { StudentEnrolled } = courseEvents.make
const { StudentRegistered } = studentEvents.make

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<Statement extends true>(): Statement | undefined {
  return undefined
}

const parts = {
  of: courseEvents,
  schema: seat,
  refuses: ['COURSE_FULL', 'UNKNOWN_COURSE'],
  query: ({ courseId }: z.infer<typeof seat>) => [{ tags: [`course:${courseId}`] }],
  state: state(1, () => ({ free: 0 })),
  evolve: {},
} as const

const enrol = decision('Enrol', {
  of: courseEvents,
  schema: seat,
  refuses: ['COURSE_FULL', 'UNKNOWN_COURSE'],
  query: ({ courseId }) => [{ tags: [`course:${courseId}`] }, { types: ['StudentEnrolled'], tags: ['all'] }],
  state: state(1, () => ({ free: 0 })),
  evolve: {
    CourseOpened: (_, { seats }) => ({ free: seats }),
    StudentEnrolled(before, data, command) {
      holds<Equal<typeof data, z.infer<typeof seat>>>()
      holds<Equal<typeof command, z.infer<typeof seat>>>()
      return { free: before.free - 1 }
    },
  },
  decide(before, enrolment, { refuse, commandId, actor, receivedAt }) {
    holds<Equal<[typeof commandId, typeof actor, typeof receivedAt], [string, string | null, string]>>()
    return before.free === 0 ? refuse('COURSE_FULL', before) : [StudentEnrolled(enrolment)]
  },
})
holds<Equal<typeof enrol, Decision<'Enrol', z.infer<typeof seat>, 'COURSE_FULL' | 'UNKNOWN_COURSE'>>>()

const register = decision('Register', {
  of: [studentEvents, courseEvents],
  schema: z.strictObject({ email: z.string() }),
  refuses: [],
  query: ({ email }) => [{ types: ['StudentRegistered', 'CourseOpened'], tags: [email] }],
  state: state(1, () => false),
  evolve: { StudentRegistered: () => true, CourseOpened: (before) => before },
  decide: (isTaken, student) => (isTaken ? [] : StudentRegistered(student)),
})

const school = app('school', { contexts: [context('school', { decisions: [enrol, register] })] })
await using running = await openApp(school, { memory: true })
const answer = await running.decide('Enrol', { courseId: 'a', studentId: 'b' }, { key: 'once', waitMs: 1000 })
holds<Equal<typeof answer, CommandAnswer<'COURSE_FULL' | 'UNKNOWN_COURSE'>>>()
const registered = await running.decide('Register', { email: 'a' })
holds<Equal<typeof registered, CommandAnswer<never>>>()

// @ts-expect-error an unknown decision
running.decide('Leave', {})
// @ts-expect-error wrong data
running.decide('Enrol', { courseId: 1, studentId: 'b' })
// @ts-expect-error the data of another decision
running.decide('Enrol', { email: 'a' })
// @ts-expect-error no data
running.decide('Enrol')
// @ts-expect-error a decision has no version that could be demanded
running.decide('Enrol', { courseId: 'a', studentId: 'b' }, { expectedVersion: 1 })
// @ts-expect-error a code that this decision does not refuse with
if (answer.status === 'refused' && answer.code === 'NOT_MINE') holds<true>()

// @ts-expect-error an unknown event in evolve
decision('D', { ...parts, evolve: { CourseClosed: (before) => before }, decide: () => [] })
// @ts-expect-error another payload in evolve
decision('D', { ...parts, evolve: { CourseOpened: (_, { places }) => ({ free: places }) }, decide: () => [] })
// @ts-expect-error another state
decision('D', { ...parts, evolve: { CourseOpened: () => ({ seats: 1 }) }, decide: () => [] })
// @ts-expect-error another member of the command's data in query
decision('D', { ...parts, query: ({ course }) => [{ tags: [`course:${course}`] }], decide: () => [] })
// @ts-expect-error an unknown type in query
decision('D', { ...parts, query: () => [{ types: ['CourseClosed'], tags: ['a'] }], decide: () => [] })
// @ts-expect-error a query without tags
decision('D', { ...parts, query: () => [{ types: ['CourseOpened'] }], decide: () => [] })
// @ts-expect-error a code that is not declared
decision('D', { ...parts, decide: (_before, _data, { refuse }) => refuse('TOO_LATE') })
// @ts-expect-error an event with a wrong payload
decision('D', { ...parts, decide: () => StudentEnrolled({ courseId: 'a' }) })
// @ts-expect-error an event of other definitions
decision('D', { ...parts, decide: () => StudentRegistered({ email: 'a' }) })
// @ts-expect-error a decision has no stream whose id could be asked for
decision('D', { ...parts, decide: (_before, _data, { id }) => (id === '' ? [] : []) })
// @ts-expect-error no state that could be stored
decision('D', { ...parts, state: state(1, () => ({ at: new Date() })), decide: () => [] })

decision('D', {
  ...parts,
  of: [courseEvents, studentEvents],
  // @ts-expect-error events of two definitions, which cannot go to one stream
  decide: (_, enrolment) => [StudentEnrolled(enrolment), StudentRegistered({ email: 'a' })],
})
