import { constants } from 'node:os'

/** @returns the name of a signal number of this platform, such as 9 → SIGKILL. */
export function signalName(number: number): string {
  for (const [name, value] of Object.entries(constants.signals)) if (value === number) return name
  return `SIG${number}`
}
