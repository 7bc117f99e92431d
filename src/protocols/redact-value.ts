import { isSecretName, isSecretOption, MASK, redactText } from './redact.ts'

/** Beyond these a value is not shown but told of: a dossier is read by people. */
const LIMITS = { depth: 8, entries: 50, chars: 1_000, nodes: 2_000, allChars: 100_000 } as const

/**
 * Any value as plain data without secrets, of bounded size. Masked are values under names of secrets, all values of an
 * environment, and what looks like a secret in texts. Functions, buffers and objects with a life of their own are named.
 * Never throws.
 */
export const redactValue = (value: unknown): unknown => new Redaction().plain(value, 0, new Set())

class Redaction {
  private nodes = 0
  private chars = 0

  plain(value: unknown, depth: number, above: ReadonlySet<object>): unknown {
    this.nodes += 1
    if (this.nodes > LIMITS.nodes || this.chars > LIMITS.allChars) return '[…]'
    if (typeof value === 'string') return this.text(value)
    if (value === null || typeof value === 'boolean') return value
    if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
    if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
    if (typeof value !== 'object') return value === undefined ? 'undefined' : '[function]'
    if (above.has(value)) return '[circular]'
    try {
      return this.object(value, depth, new Set([...above, value]))
    } catch {
      return '[unreadable]'
    }
  }

  private text(text: string): string {
    const shown = redactText(text.slice(0, LIMITS.chars))
    this.chars += shown.length
    return text.length > LIMITS.chars ? `${shown}[… ${text.length - LIMITS.chars} more characters]` : shown
  }

  private object(value: object, depth: number, above: ReadonlySet<object>): unknown {
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
    if (value instanceof Date) return String(value)
    if (depth >= LIMITS.depth) return Array.isArray(value) ? `[${value.length} items]` : '[object]'
    if (Array.isArray(value)) return this.items(value, depth, above)
    if (value instanceof Set) return this.items([...value], depth, above)
    if (value instanceof Map)
      return this.fields(
        [...value].map(([key, one]) => [String(key), one]),
        depth,
        above,
      )
    if (value instanceof Error) {
      const { name, message, stack, cause } = value
      const told = { name, message, stack, ...(cause === undefined ? {} : { cause }) }
      return this.fields([...Object.entries(value), ...Object.entries(told)], depth, above)
    }
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== null && prototype !== Object.prototype) return `[${value.constructor?.name ?? 'object'}]`
    return this.fields(Object.entries(value), depth, above)
  }

  private items(items: readonly unknown[], depth: number, above: ReadonlySet<object>): unknown[] {
    const shown = items
      .slice(0, LIMITS.entries)
      .map((one, index) => (isSecretOption(items[index - 1]) ? MASK : this.plain(one, depth + 1, above)))
    return items.length > LIMITS.entries ? [...shown, `[… ${items.length - LIMITS.entries} more]`] : shown
  }

  private fields(entries: readonly (readonly [string, unknown])[], depth: number, above: ReadonlySet<object>): Record<string, unknown> {
    const shown = entries.slice(0, LIMITS.entries).map(([name, one]) => [name.slice(0, 200), this.field(name, one, depth, above)])
    const more = entries.length > LIMITS.entries ? [['…', `${entries.length - LIMITS.entries} more`]] : []
    return Object.fromEntries([...shown, ...more]) as Record<string, unknown>
  }

  private field(name: string, value: unknown, depth: number, above: ReadonlySet<object>): unknown {
    if (isEnvironment(name) && typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.keys(value)
          .slice(0, LIMITS.entries)
          .map((key) => [key, MASK]),
      )
    const holds = value !== null && value !== undefined && typeof value !== 'boolean' && typeof value !== 'function'
    return isSecretName(name) && holds ? MASK : this.plain(value, depth + 1, above)
  }
}

const isEnvironment = (name: string): boolean => /(?:^|[a-z_])(?:env|environ|environment)$/i.test(name)
