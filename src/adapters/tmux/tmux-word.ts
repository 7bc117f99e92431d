const PLAIN = /^[A-Za-z0-9_@%:.,/+-]+$/

/**
 * One word of a command line of tmux, whatever bytes it holds: everything but letters and digits is an octal escape, so
 * that neither a quote, a variable, a comment nor a line end means anything.
 * @param value without NUL, which tmux cannot carry
 */
export function tmuxWord(value: string | Uint8Array): string {
  if (typeof value === 'string' && PLAIN.test(value) && !value.startsWith('-')) return value
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  let text = '"'
  for (const byte of bytes) text += WORD[byte]
  return `${text}"`
}

/** A command line for the control connection. */
export const tmuxLine = (...words: readonly (string | Uint8Array)[]): string =>
  words.map((word) => (typeof word === 'string' && /^-[A-Za-z]+$/.test(word) ? word : tmuxWord(word))).join(' ')

const WORD: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return /[A-Za-z0-9]/.test(char) ? char : `\\${byte.toString(8).padStart(3, '0')}`
})
