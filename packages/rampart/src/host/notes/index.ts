// Notes that a server leaves beside the data of its apps, for commands that look at it.
export { findAppNote, leaveAppNote } from './app-note.ts'
export { findRunNote, leaveRunNote, removeRunNote } from './run-note.ts'
