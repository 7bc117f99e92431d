import { isSecretName, MASK, redactText } from '../protocols/redact.ts'

const MOST_CHARACTERS = 400
const MOST_ENTRIES = 8
const MOST_DEPTH = 3
const MOST_TEXT = 80

/** What is cut is cut before it is searched, with some more, so that the cut cannot hide the half of a secret. */
const masked = (text: string): string => redactText(text.slice(0, 2_000))

/**
 * A value as people may see it: short, however large it is, and without what looks like a secret by its name or its form.
 * Calls nothing of the value, and never throws.
 */
export const preview = (value: unknown): string => {
  try {
    return cut(shown(value, 0), MOST_CHARACTERS)
  } catch {
    // A proxy may refuse to be looked at.
    return '‹cannot be shown›'
  }
}

const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`)

const shown = (value: unknown, depth: number): string => {
  if (typeof value === 'string') return JSON.stringify(cut(masked(value), MOST_TEXT))
  if (typeof value === 'function') return '‹function›'
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Error) return cut(`‹${value.name}: ${masked(value.message)}`, MOST_TEXT) + '›'
  if (Array.isArray(value)) return listed('[', value.slice(0, MOST_ENTRIES), value.length, ']', depth, (item) => shown(item, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return `‹${nameOf(prototype)}›`
  const keys = Object.keys(value)
  return listed(
    '{',
    keys.slice(0, MOST_ENTRIES),
    keys.length,
    '}',
    depth,
    (key) => `${cut(key, MOST_TEXT)}: ${property(value, key, depth)}`,
  )
}

const property = (owner: object, key: string, depth: number): string => {
  if (isSecretName(key)) return MASK
  const descriptor = Object.getOwnPropertyDescriptor(owner, key)
  return descriptor?.get === undefined ? shown(descriptor?.value, depth + 1) : '‹getter›'
}

const listed = <T>(open: string, items: readonly T[], all: number, close: string, depth: number, show: (item: T) => string): string => {
  if (all === 0) return open + close
  if (depth >= MOST_DEPTH) return `${open}…${close}`
  const more = all > items.length ? [`… ${all - items.length} more`] : []
  return `${open} ${[...items.map(show), ...more].join(', ')} ${close}`
}

const nameOf = (prototype: unknown): string => {
  const descriptor =
    typeof prototype === 'object' && prototype !== null ? Object.getOwnPropertyDescriptor(prototype, 'constructor') : undefined
  const made = descriptor?.value as unknown
  return typeof made === 'function' ? made.name : 'object'
}
