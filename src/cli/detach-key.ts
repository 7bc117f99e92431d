/** What input means: bytes for the program, or a wish to leave. */
export type KeyEvent = { readonly input: Buffer } | { readonly key: Buffer }

/** Modifiers as the kitty protocol counts them: Ctrl, also with Caps Lock or Num Lock on. */
const CTRL = '(?:5|69|133|197)'

/**
 * Finds a key with Ctrl in input, however the terminal was told to send it: as a control character, by the keyboard protocol
 * of kitty, or by modifyOtherKeys of xterm. Programs switch the latter on for the terminal of the user.
 * @param name such as `ctrl-q`
 */
export const keyFinder = (name: string): ((bytes: Buffer) => readonly KeyEvent[]) => {
  const letter = name.slice(-1)
  const code = letter.charCodeAt(0)
  const control = (letter.toUpperCase().charCodeAt(0) & 0x1f).toString(16).padStart(2, '0')
  const kitty = `\\u001b\\[${code}(?::\\d*)*;${CTRL}`
  const pattern = new RegExp(`(\\x${control}|${kitty}(?::[12])?u|\\u001b\\[27;${CTRL};${code}~)|(${kitty}:3u)`, 'gu')
  return (bytes) => {
    const text = bytes.toString('latin1')
    const found: KeyEvent[] = []
    let from = 0
    const inputTo = (to: number): void => {
      if (to > from) found.push({ input: bytes.subarray(from, to) })
    }
    for (const match of text.matchAll(pattern)) {
      inputTo(match.index)
      from = match.index + match[0].length
      // that the key was let go is no news for anybody
      if (match[1] !== undefined) found.push({ key: bytes.subarray(match.index, from) })
    }
    inputTo(bytes.length)
    return found
  }
}
