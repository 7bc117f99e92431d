import type { ListenRecorded } from '../recorded.ts'
import type { Spans } from './spans.ts'

/** Where `@opentelemetry/api` 1.x keeps what was registered with any copy of it. Source: its `internal/global-utils` */
const REGISTERED = Symbol.for('opentelemetry.js.api.1')

/** Spans go where this process has registered a provider of traces; where none is, nothing is loaded and nothing followed. */
export const openSpans = async (listen: ListenRecorded): Promise<Spans | null> => {
  const registered = Reflect.get(globalThis, REGISTERED) as { readonly trace?: object } | undefined
  if (registered?.trace === undefined) return null
  const { Spans: Made } = await import('./spans.ts')
  const spans = new Made()
  listen((event) => spans.learn(event))
  return spans
}
