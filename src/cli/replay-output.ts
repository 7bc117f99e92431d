const LINE_FEED = 0x0a

/**
 * Questions to a terminal: what it is, where its cursor is, its colours, its modes. A terminal would answer them again, and the
 * answer would be typed into a program that asked long ago.
 */
const QUESTIONS =
  // oxlint-disable-next-line no-control-regex
  /\u001b\[[>=?]?[\d;]*[cn]|\u001b\[>\d*q|\u001b\[\?\d*\$p|\u001b\[\?u|\u001b\[\d*(?:;\d*)*t|\u001b\][^\u0007\u001b]*\?(?:\u0007|\u001b\\)|\u001bP(?:\+q|\$q)[^\u001b]*\u001b\\|\u001bZ/gu

/**
 * Output of before without questions, fit to be shown on another terminal.
 * @param isCut it begins in the middle: what comes before the first line feed may be half a character
 */
export const replayed = (bytes: Buffer, isCut: boolean): Buffer => {
  const whole = isCut ? bytes.subarray(bytes.indexOf(LINE_FEED) + 1) : bytes
  return Buffer.from(whole.toString('latin1').replace(QUESTIONS, ''), 'latin1')
}
