import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSecretName, redactText } from '../../../src/protocols/redact.ts'

describe('redactText', () => {
  it.each([
    ['GITHUB_TOKEN=abc def', 'GITHUB_TOKEN=[masked] def'],
    ['curl --password hunter2 x', 'curl --password [masked] x'],
    ['"apiKey": "a b c", "x": 1', '"apiKey": [masked], "x": 1'],
    ["export PASSWORD='a b'", 'export PASSWORD=[masked]'],
    ['my-secret=1;next=2', 'my-secret=[masked];next=2'],
    ['Authorization: Basic YWxhZGRpbjpvcGVu', 'Authorization: Basic [masked]'],
    ['used Bearer abcdefghijklmnopqrst', 'used Bearer [masked]'],
    ['https://user' + ':pw@example.org/x', 'https://[masked]@example.org/x'],
    ['key sk-ant-api03-abcdefghijklmnop!', 'key [masked]!'],
    ['ghp' + '_abcdefghijklmnopqrstuvwxyz0123456789', '[masked]'],
    ['AKIA' + 'ABCDEFGHIJKLMNOP', '[masked]'],
    ['-----BEGIN RSA ' + 'PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----', '[masked]'],
    ['tokens used: 5, monkey: 3, fine', 'tokens used: 5, monkey: 3, fine'],
    ['missing bearer or basic authentication', 'missing bearer or basic authentication'],
  ])('%s [SUP-9]', (text, expected) => expect(redactText(text)).toBe(expected))

  it('changes nothing of what is masked already, whatever the text [SUP-9]', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('token', '=', '"', ' ', 'Bearer ', 'sk-', 'a'.repeat(20), '://', '@', ':', '--')), (parts) => {
        const once = redactText(parts.join(''))
        expect(redactText(once)).toBe(once)
      }),
    )
  })
})

describe('isSecretName', () => {
  it.each(['password', 'GITHUB_TOKEN', 'apiKey', 'api-key', 'AWS_SECRET_ACCESS_KEY', 'Cookie', 'key'])('%s is one [SUP-9]', (name) =>
    expect(isSecretName(name)).toBe(true),
  )
  it.each(['path', 'keyboard', 'HOME', 'author', 'keys'])('%s is none [SUP-9]', (name) => expect(isSecretName(name)).toBe(false))
})
