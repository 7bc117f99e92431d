/** Rows below a heading, in columns; the last may be of any width. For texts of ASCII in all columns but the last. */
export const table = (heading: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => {
  const all = [heading, ...rows]
  const widths = heading.map((_, index) => Math.max(...all.map((row) => row[index]?.length ?? 0)))
  return all.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
