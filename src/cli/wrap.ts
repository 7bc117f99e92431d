import { widthOf } from './text.ts'

/** Of the narrowest screen that people still use. */
export const COLUMNS = 80

/**
 * A text in lines of at most 80 columns. A word that is longer has a line of its own, uncut: a path or a command is there to
 * be copied.
 * @param first what the first line begins with; the others are indented as far
 */
export const wrap = (text: string, first = '  ', columns: number = COLUMNS): string[] => {
  const indent = ' '.repeat(widthOf(first))
  const lines: string[] = []
  let line = first
  let isEmpty = true
  for (const word of text.split(' ').filter((part) => part !== '')) {
    if (!isEmpty && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line)
      line = indent
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line]
}
