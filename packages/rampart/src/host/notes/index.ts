// What a server has in common with the commands that look at it without being one: the notes that it leaves
// beside the data of its apps, and where relative paths start.
export { findAppNote, leaveAppNote } from './app-note.ts'
export { callerFolder } from './caller-folder.ts'
export { findRunNote, leaveRunNote, removeRunNote } from './run-note.ts'
