/** What stands for a secret. */
export const MASK = '[masked]'

/** Parts of names under which secrets are kept; compared without case, `_` and `-`. */
const SECRET_NAMES = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'token',
  'apikey',
  'accesskey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'credential',
  'authorization',
  'cookie',
  'connectionstring',
] as const

/** @returns whether what has this name is likely a secret: `GITHUB_TOKEN`, `apiKey`, `db-password`. */
export const isSecretName = (name: string): boolean => {
  const plain = name.toLowerCase().replaceAll(/[_-]/g, '')
  return SECRET_NAMES.some((part) => plain.includes(part)) || plain === 'key' || plain === 'auth'
}

/**
 * Texts that are secrets by their form: keys of Anthropic and OpenAI, GitHub, GitLab, Slack, AWS, Google, npm, Hugging Face,
 * Stripe; JSON web tokens. Each takes linear time: a fixed beginning, then one class of characters.
 */
const TOKENS: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}/g,
  /\bgh[opusr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bxox[a-z]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bya29\.[A-Za-z0-9_-]{20,}/g,
  /\bnpm_[A-Za-z0-9]{30,}/g,
  /\bhf_[A-Za-z0-9]{30,}/g,
  /\beyJ[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+){0,2}/g,
]

/** `Bearer …`, and the user part of an address. */
const CREDENTIALS: readonly (readonly [RegExp, string])[] = [
  [/\b(authorization["']? ?[:=] ?["']?[a-z]{1,16}) +[^\s"']{4,4096}/gi, `$1 ${MASK}`],
  [/\b(bearer) +[A-Za-z0-9._~+/=-]{16,}/gi, `$1 ${MASK}`],
  [/(:\/\/)[^\s/@'"]{1,512}@/g, `$1${MASK}@`],
]

/** `NAME=value`, `--name value`, `"name": "value"`: what follows a name, quotes and separators kept. */
const ASSIGNMENT =
  /([A-Za-z][A-Za-z0-9_-]{0,63})("? ?[=:] ?|(?<=--[A-Za-z0-9_-]{1,63}) )("[^"\n]{1,4096}"?|'[^'\n]{1,4096}'?|[^\s"',;&]{1,4096})/g
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,16384}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g

/** Whether a word of a command line says that the next is a secret: `--token`. */
export const isSecretOption = (word: unknown): boolean =>
  typeof word === 'string' && /^--?[A-Za-z]/.test(word) && !word.includes('=') && isSecretName(word)

/** A text without what looks like a secret. Takes time in proportion to its length. */
export const redactText = (text: string): string => {
  let out = text.replaceAll(PRIVATE_KEY, MASK)
  for (const [pattern, replacement] of CREDENTIALS) out = out.replaceAll(pattern, replacement)
  for (const pattern of TOKENS) out = out.replaceAll(pattern, MASK)
  return out.replaceAll(ASSIGNMENT, (whole, name: string, between: string, value: string) =>
    isSecretName(name) && !value.startsWith(MASK) && !/^["']?(?:bearer|basic|token)$/i.test(value) ? `${name}${between}${MASK}` : whole,
  )
}
