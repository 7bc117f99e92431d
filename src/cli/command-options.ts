import type { OptionSpec } from './command-spec.ts'

/** Reads a number as users write it. @throws RangeError with the rule */
export const number =
  (pattern: RegExp, min: number, max: number, rule: string) =>
  (text: string): number => {
    const value = Number(text)
    if (!pattern.test(text) || value < min || value > max) throw new RangeError(rule)
    return value
  }

export const json: OptionSpec = { flag: 'json', about: 'as one JSON document' }

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_000, m: 1_000_000, g: 1_000_000_000, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30 }

/** Reads an amount of memory: `500000000`, `500M`, `2G`, `1.5Gi`. @throws RangeError with the rule */
export const bytes = (text: string): number => {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([kmg]i?)?b?$/iu.exec(text) ?? []
  const value = Math.round(Number(amount) * (UNITS[unit.toLowerCase()] ?? Number.NaN))
  if (!Number.isSafeInteger(value)) throw new RangeError('it must be a number of bytes, such as 500M or 2Gi')
  return value
}
