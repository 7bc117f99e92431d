import stringWidth from 'string-width'

export { duration, exitText, ordinal, span, wholeSeconds } from '../protocols/words.ts'

export { plainLine } from './plain.ts'

const ASCII = /^[\x20-\x7e]*$/
const segmenter = new Intl.Segmenter()

/** Columns that a text takes on a terminal. */
export const widthOf = (text: string): number => (ASCII.test(text) ? text.length : stringWidth(text))

/** Cuts a text to at most `columns` on a terminal, with `…` where something is missing. */
export const cut = (text: string, columns: number): string => {
  if (columns <= 0) return ''
  if (ASCII.test(text)) return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`
  // a character of no width at all cannot make a text fit, and beyond this no screen is wide enough
  const bounded = text.slice(0, columns * 16)
  if (bounded === text && stringWidth(text) <= columns) return text
  let kept = ''
  let width = 0
  for (const { segment } of segmenter.segment(bounded)) {
    const next = width + stringWidth(segment)
    if (next > columns - 1) break
    kept += segment
    width = next
  }
  return `${kept}…`
}

/** Cuts or fills a text to exactly `columns`. */
export const column = (text: string, columns: number): string => {
  const fitted = cut(text, columns)
  return fitted + ' '.repeat(Math.max(0, columns - widthOf(fitted)))
}
