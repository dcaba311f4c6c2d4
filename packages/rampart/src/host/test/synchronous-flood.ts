// A process for the kill test: shares papers with a few people until it is killed, and tells what is
// acknowledged.
import { writeSync } from 'node:fs'
import { openApp } from '../open-app.ts'
import { papersApp } from './papers.ts'

const [dataFolder = '', thread = '', seed = '', url] = process.argv.slice(2)

/** A pipe takes what is written at once, so that it outlives this process. */
function tell(line: string): void {
  try {
    writeSync(1, line)
  } catch (error) {
    // The reader is slow and its pipe full; an acknowledgement that is not told proves nothing.
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
  }
}

const storage =
  url === undefined ? { dataFolder } : { dataFolder, storeUrls: { write: url, project: url, serve: url } }
const running = await openApp(papersApp(), {
  ...storage,
  thread: thread === 'worker' ? 'worker' : 'caller',
})
const one = async (caller: number): Promise<void> => {
  for (let number = 0; ; number++) {
    const paper = running.stream('paper', `${seed}.${caller}.${number}`)
    const person = `person${(caller + number) % 5}`
    const shared = await paper.SharePaper({ people: [person, `${person}x`] })
    if (number % 3 === 0) await paper.EndSharing({ person })
    if (shared.status === 'succeeded') tell(`${shared.place.position}\n`)
  }
}
await Promise.all(Array.from({ length: 16 }, (_, caller) => one(caller)))
