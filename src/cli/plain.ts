import { stripVTControlCharacters } from 'node:util'

/** What a program put out, as one harmless line: no control sequences, tabs as spaces. */
export const plainLine = (text: string): string =>
  stripVTControlCharacters(text)
    .replace(/\t/g, '  ')
    // C0 and C1 controls, line and paragraph separators, and marks that turn the direction of what follows
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '')
    .trimEnd()
