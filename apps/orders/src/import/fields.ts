// Reads single fields of the shop's export: exact decimal numbers and days. Nothing here uses floating point.

/**
 * A decimal text as a whole number of its 10^-places parts (`2.55` with 2 places is 255), or the text
 * itself when it is no number, has a finer fraction, or is too large to be exact. The gateway answers such
 * a text with a 400.
 */
export function scaledNumber(text: string, places: number): number | string {
  const [, sign, whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text) ?? []
  const isTooFine = /[1-9]/.test(fraction.slice(places))
  if (sign === undefined || isTooFine) return text
  const digits = whole + fraction.slice(0, places).padEnd(places, '0')
  const number = Number(BigInt(`${sign}${digits}`))
  return Number.isSafeInteger(number) ? number : text
}

/** A day written d/m/yyyy, with or without a time of day behind it, as yyyy-mm-dd; else the text itself. */
export function isoDay(text: string): string {
  const [, day, month, year] =
    /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?: \d{1,2}:\d{2}(?::\d{2})?)?$/.exec(text) ?? []
  if (day === undefined || month === undefined || year === undefined) return text
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
}
