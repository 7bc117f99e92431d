import { SignalboxError } from './errors.ts'

/** Parts of letters, digits, `-` and `_`, with dots between them; at most 128 characters. */
const TOPIC = /^(?=.{1,128}$)[\w-]+(\.[\w-]+)*$/

const invalid = (what: string, text: unknown): SignalboxError => {
  const shown = String(text).slice(0, 64)
  return new SignalboxError('ERR_BUS_TOPIC_INVALID', `${JSON.stringify(shown)} is not a ${what}; such as lane.created`, {
    context: { topic: shown },
  })
}

/** @throws ERR_BUS_TOPIC_INVALID */
export const assertTopic = (topic: string): void => {
  if (!TOPIC.test(topic)) throw invalid('topic', topic)
}

/** A topic, a prefix as `lane.*`, or `*`. @throws ERR_BUS_TOPIC_INVALID */
export const assertPattern = (pattern: string): void => {
  if (pattern === '*') return
  if (!TOPIC.test(pattern.endsWith('.*') ? pattern.slice(0, -2) : pattern)) throw invalid('topic or pattern of topics', pattern)
}

const matches = (pattern: string, topic: string): boolean =>
  pattern === '*' || pattern === topic || (pattern.endsWith('.*') && topic.startsWith(pattern.slice(0, -1)))

/** @returns whether one of the patterns names the topic. */
export const matchesTopic = (patterns: readonly string[], topic: string): boolean => patterns.some((pattern) => matches(pattern, topic))
