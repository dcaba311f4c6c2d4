// Courses with seats and students with a limit, for the tests of decisions: no stream holds what they need.
import { z } from 'zod'
import { context, decision, events, projection, state } from '../../core/index.ts'

export const courseEvents = events('course', {
  CourseOpened: {
    version: 1,
    schema: z.strictObject({ courseId: z.string(), seats: z.int() }),
    tags: ({ courseId }) => [`course:${courseId}`],
  },
  StudentEnrolled: {
    version: 1,
    schema: z.strictObject({ courseId: z.string(), studentId: z.string() }),
    tags: ({ courseId, studentId }) => [`course:${courseId}`, `student:${studentId}`],
  },
  CourseNoted: {
    version: 1,
    schema: z.strictObject({ courseId: z.string() }),
    tags: ({ courseId }) => [`course:${courseId}`],
  },
})
export const studentEvents = events('student', {
  StudentRegistered: {
    version: 1,
    schema: z.strictObject({ email: z.string() }),
    tags: ({ email }) => [`email:${email.toLowerCase()}`],
  },
})
const { CourseOpened, StudentEnrolled, CourseNoted } = courseEvents.make
const { StudentRegistered } = studentEvents.make

export const coursesPerStudentMax = 5

const openCourse = decision('OpenCourse', {
  of: courseEvents,
  schema: z.strictObject({ courseId: z.string(), seats: z.int().min(1) }),
  refuses: [],
  query: ({ courseId }) => [{ types: ['CourseOpened'], tags: [`course:${courseId}`] }],
  state: state(1, () => ({ isOpen: false })),
  evolve: { CourseOpened: () => ({ isOpen: true }) },
  decide: ({ isOpen }, course) =>
    isOpen ? [] : [CourseOpened(course), CourseNoted({ courseId: course.courseId })],
})

const enrol = decision('Enrol', {
  of: courseEvents,
  schema: z.strictObject({ courseId: z.string(), studentId: z.string() }),
  refuses: ['ALREADY_ENROLLED', 'COURSE_FULL', 'TOO_MANY_COURSES'],
  query: ({ courseId, studentId }) => [
    { tags: [`course:${courseId}`] },
    { types: ['StudentEnrolled'], tags: [`student:${studentId}`] },
  ],
  state: state(1, () => ({ freeSeats: 0, courses: 0, enrolled: false })),
  evolve: {
    CourseOpened: (before, { seats }) => ({ ...before, freeSeats: seats }),
    StudentEnrolled: (before, enrolment, { courseId, studentId }) => ({
      freeSeats: enrolment.courseId === courseId ? before.freeSeats - 1 : before.freeSeats,
      courses: enrolment.studentId === studentId ? before.courses + 1 : before.courses,
      enrolled: before.enrolled || (enrolment.courseId === courseId && enrolment.studentId === studentId),
    }),
  },
  decide({ enrolled, freeSeats, courses }, enrolment, { refuse }) {
    if (enrolled) return refuse('ALREADY_ENROLLED')
    if (freeSeats === 0) return refuse('COURSE_FULL', { courseId: enrolment.courseId })
    return courses === coursesPerStudentMax ? refuse('TOO_MANY_COURSES') : StudentEnrolled(enrolment)
  },
})

const register = decision('Register', {
  of: studentEvents,
  schema: z.strictObject({ email: z.string() }),
  refuses: ['EMAIL_TAKEN'],
  query: ({ email }) => [{ tags: [`email:${email.toLowerCase()}`] }],
  state: state(1, () => false),
  evolve: { StudentRegistered: () => true },
  decide: (isTaken, student, { refuse }) => (isTaken ? refuse('EMAIL_TAKEN') : StudentRegistered(student)),
})

const broken = z.strictObject({ how: z.string() })
/** Decisions that go wrong in each of the ways in which one can. */
const misdecide = decision('Misdecide', {
  of: [courseEvents, studentEvents],
  schema: broken,
  refuses: ['KNOWN'],
  query({ how }) {
    if (how === 'query throws') throw new Error('out of order')
    if (how === 'no items') return []
    return how === 'no tags' ? [{ tags: [] }] : [{ tags: ['course:1'] }]
  },
  state: state(1, () => ({ opened: 0 })),
  evolve: {
    CourseOpened(before, _, { how }) {
      if (how === 'evolve throws') throw new Error('out of order')
      if (how === 'evolve mutates') before.opened = 1
      return before
    },
  },
  decide(_, { how }) {
    if (how === 'decide throws') throw new Error('out of order')
    if (how === 'undeclared') return { refused: 'UNKNOWN' as 'KNOWN' }
    // The type does not allow a list like this one.
    const both = [CourseNoted({ courseId: '1' }), StudentRegistered({ email: 'a' })] as unknown as []
    return how === 'two definitions' ? both : []
  },
})

const courses = projection('courses', {
  version: 1,
  of: courseEvents,
  key: { CourseOpened: ({ data }) => data.courseId, StudentEnrolled: ({ data }) => data.courseId },
  initial: { seats: 0, students: 0 },
  on: {
    CourseOpened: (page, { data }) => ({ ...page, seats: data.seats }),
    StudentEnrolled: (page) => ({ ...page, students: page.students + 1 }),
  },
})

export const school = context('school', {
  decisions: [openCourse, enrol, register, misdecide],
  projections: [courses],
})
