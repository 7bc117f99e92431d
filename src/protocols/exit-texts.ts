import type { TextClass } from './plan.ts'

/** How programs name a status of HTTP; a bare number means too many other things. */
const status = (...codes: readonly number[]): string[] =>
  codes.flatMap((code) =>
    ['http ', 'http/1.1 ', 'http/2 ', 'status ', 'status: ', 'status=', 'status code ', 'error ', 'error: '].map((before) => before + code),
  )

/**
 * Texts by which coding agents, git, gh, npm and docker say why they ended; any part of a line, without regard to case.
 * From what claude, codex and gemini print, and their users' reports: their issue trackers are where new ones turn up.
 */
export const EXIT_TEXTS: Readonly<Record<TextClass, readonly string[]>> = {
  authentication: [
    // claude
    'invalid api key',
    'please run /login',
    'authentication_error',
    'permission_error',
    'oauth token has expired',
    'oauth token revoked',
    // codex and the API of OpenAI
    'incorrect api key',
    'invalid_api_key',
    'not logged in',
    'access token could not be refreshed',
    'missing bearer or basic authentication',
    // gemini
    'api key not valid',
    'api_key_invalid',
    'please set an auth method',
    // git and its hosts
    'permission denied (publickey',
    'host key verification failed',
    'authentication failed for',
    'could not read username for',
    'could not read password for',
    'http basic: access denied',
    'invalid username or password',
    'invalid username or token',
    'bad credentials',
    'gh auth login',
    // npm and docker
    'eneedauth',
    'code e401',
    'code e403',
    'code eotp',
    'authentication required',
    // HTTP
    '401 unauthorized',
    '403 forbidden',
    ...status(401, 403),
  ],
  rateLimited: [
    'rate limit reached',
    'rate limit exceeded',
    'rate_limit_error',
    'rate_limit_exceeded',
    'ratelimitexceeded',
    'rate limited',
    'rate-limited',
    'exceeds your rate limit',
    'exceeded a secondary rate limit',
    'too many requests',
    'toomanyrequests',
    // claude
    'usage limit reached',
    'hit your limit',
    'hour limit reached',
    'weekly limit reached',
    'overloaded_error',
    // codex
    'usage_limit_reached',
    'hit your usage limit',
    'exceeded your current quota',
    'insufficient_quota',
    // gemini
    'resource_exhausted',
    'resource exhausted',
    'resource has been exhausted',
    'quota exceeded',
    'model is overloaded',
    // npm
    'code e429',
    // HTTP; 529: overloaded (Anthropic)
    ...status(429, 529),
  ],
  memory: [
    'javascript heap out of memory',
    'runtime: out of memory',
    'java.lang.outofmemoryerror',
    'memoryerror',
    'cannot allocate memory',
    'std::bad_alloc',
  ],
}
