import { widthOfScreen } from './table.ts'
import { widthOf } from './text.ts'
import type { Output } from './writer.ts'

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

/** Lines that are wider than the screen, broken between words; others, and where nobody looks, are left as they are. */
export const fitted = (text: string, to: Output): string => {
  const columns = widthOfScreen(to)
  return text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= columns ? [line] : wrap(line, /^ */u.exec(line)?.[0], columns)))
    .join('\n')
}
