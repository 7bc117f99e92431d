const two = (value: number): string => String(value).padStart(2, '0')

/** A duration for people: `0.4s`, `12.3s`, `2m05s`, `1h02m`. */
export const duration = (ms: number): string => {
  const tenths = Math.max(0, Math.floor(ms / 100))
  if (tenths < 600) return `${(tenths / 10).toFixed(1)}s`
  const seconds = Math.floor(Math.max(0, ms) / 1_000)
  return seconds < 3_600
    ? `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
    : `${Math.floor(seconds / 3_600)}h${two(Math.floor(seconds / 60) % 60)}m`
}

/** A duration that changes once a second at most: for a screen that should stay calm. */
export const wholeSeconds = (ms: number): string => duration(Math.floor(Math.max(0, ms) / 1_000) * 1_000).replace(/\.0s$/, 's')

export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`

/** A span of a plan for people: `200 ms`, `60 s`. */
export const span = (ms: number): string => (ms % 1_000 === 0 && ms !== 0 ? `${ms / 1_000} s` : `${ms} ms`)

/** `1st`, `2nd`, `3rd`, `4th`, `11th`. */
export const ordinal = (value: number): string => {
  const tens = value % 100
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th')
  return `${value}${suffix}`
}

/** How a process ended, in words. */
export const exitText = (exitCode: number | null, signal: string | null): string => {
  if (signal !== null) return `ended by ${signal}`
  return exitCode === null ? 'never ran' : `exit ${exitCode}`
}
