import type { Output } from './writer.ts'

const GAP = 2

/** Columns of the terminal that somebody looks at; unlimited elsewhere. */
export const widthOfScreen = ({ isTTY, columns }: Output): number =>
  isTTY === true && columns !== undefined && columns > 0 ? columns : Number.POSITIVE_INFINITY

/** At most so many columns. What is not ASCII may take two: then less is shown than would fit. */
const cut = (text: string, columns: number): string => {
  let width = 0
  let end = 0
  let fits = 0
  for (const character of text) {
    width += character <= '~' ? 1 : 2
    if (width > columns) return `${text.slice(0, fits)}…`
    end += character.length
    if (width < columns) fits = end
  }
  return text
}

/**
 * Rows below a heading, in columns, each on one line of the screen. For texts of ASCII in all columns but the last, which is
 * cut where it does not fit.
 * @param spare heading of a column that is left out where not everything fits
 */
export const table = (
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  screen: number,
  spare?: string,
): readonly string[] => {
  const all = [heading, ...rows]
  const widths = heading.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)))
  const whole = widths.reduce((sum, width) => sum + width + GAP, -GAP)
  const without = spare === undefined ? -1 : heading.indexOf(spare)
  if (whole > screen && without >= 0) {
    const keep = (row: readonly string[]): readonly string[] => row.toSpliced(without, 1)
    return table(keep(heading), rows.map(keep), screen)
  }
  const last = widths.length - 1
  const left = screen - widths.slice(0, last).reduce((sum, width) => sum + width + GAP, 0)
  return all.map((row) =>
    row
      .map((cell, index) => (index === last ? cut(cell, Math.max(1, left)) : cell.padEnd(widths[index] ?? 0)))
      .join(' '.repeat(GAP))
      .trimEnd(),
  )
}
