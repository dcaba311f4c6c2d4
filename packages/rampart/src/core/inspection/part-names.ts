// The names under which the parts of a split projection keep their documents, and what such a name says.

/** The names of the parts; a projection that is not split has its own alone. No projection has another's. */
export function partNames(name: string, parts: number): readonly string[] {
  if (parts === 1) return [name]
  return Array.from({ length: parts }, (_, index) => `${name}/${index + 1}of${parts}`)
}

/** The projection that a name of a part names, and how many parts it has. */
export function splitName(partName: string): { readonly name: string; readonly parts: number } {
  const { name, parts } = /^(?<name>.+)\/\d+of(?<parts>\d+)$/.exec(partName)?.groups ?? {}
  return name === undefined ? { name: partName, parts: 1 } : { name, parts: Number(parts) }
}
