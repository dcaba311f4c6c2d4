// Where the relative paths start that a person gives to a server or to a command.

/** The folder that relative paths start from: npm changes into the package's, but remembers the caller's. */
export function callerFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const folder = environment['INIT_CWD']
  return folder === undefined || folder.trim() === '' ? process.cwd() : folder
}
