import { readFileSync } from 'node:fs'

/** Of the installed package. */
export const version = (): string => {
  // two levels up from here, in src/ as in dist/
  const { version: text } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return text
}
