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
