/**
 * Reads a number that an option is given.
 * @param rule what it must be, for who gave something else
 * @throws RangeError
 */
export const number =
  (pattern: RegExp, min: number, max: number, rule: string) =>
  (text: string): number => {
    const value = Number(text)
    if (!pattern.test(text) || value < min || value > max) throw new RangeError(rule)
    return value
  }
