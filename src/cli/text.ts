import stringWidth from 'string-width'

export { exitText, plainLine } from './plain.ts'

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

const two = (value: number): string => String(value).padStart(2, '0')

/** A duration for people: `0.4s`, `12.3s`, `2m05s`, `1h02m`. */
export const duration = (ms: number): string => {
  const tenths = Math.max(0, Math.floor(ms / 100))
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`
  const seconds = Math.floor(Math.max(0, ms) / 1_000)
  return seconds < 3_600
    ? `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
    : `${Math.floor(seconds / 3_600)}h${two(Math.floor(seconds / 60) % 60)}m`
}

/** A duration that changes once a second at most: for a screen that should stay calm. */
export const wholeSeconds = (ms: number): string => duration(Math.floor(Math.max(0, ms) / 1_000) * 1_000).replace(/\.0s$/, 's')

/** A span of a plan for people: `200 ms`, `60 s`. */
export const span = (ms: number): string => (ms % 1_000 === 0 && ms !== 0 ? `${ms / 1_000} s` : `${ms} ms`)

/** `1st`, `2nd`, `3rd`, `4th`, `11th`. */
export const ordinal = (value: number): string => {
  const tens = value % 100
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th')
  return `${value}${suffix}`
}
