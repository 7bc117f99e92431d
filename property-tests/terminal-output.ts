import fc from 'fast-check'

const numbers = fc.constantFrom('', '0', '1', '2', '3', '5', '8', '12', '40', '2147483647')
const csi = (finals: string): fc.Arbitrary<string> =>
  fc.tuple(numbers, fc.constantFrom(...finals.split(''))).map(([number, final]) => `\u001b[${number}${final}`)
const LOOKS =
  '0 1 2 3 4 4:3 5 7 8 9 21 22 24 27 31 41 97 104 38;5;200 48;5;17 38;2;1;2;3 48;2;9;8;7 58;5;9 58:2::1:2:3 59 53 39 49 1;31;42 4:0'.split(
    ' ',
  )
const MODES = [1, 5, 6, 9, 12, 25, 45, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 2004, 2026, 2031]

/** What is drawn of two sorts that emulators treat as they like together: characters of two columns, and what cuts them in half. */
type Sort = 'wide' | 'narrow'
const texts = (sort: Sort): fc.Arbitrary<string> =>
  fc.constantFrom(
    'a',
    'hello world ',
    'x'.repeat(30),
    'long '.repeat(20),
    '─│',
    'q w',
    'tab\there',
    'ü',
    ...(sort === 'wide' ? ['日本語', '👍', '宽', 'e\u0301'] : ['jap', 'ÿ']),
  )

const steps = (sort: Sort): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: texts(sort) },
    { weight: 4, arbitrary: fc.constantFrom('\r\n', '\n', '\r', '\b', '\t', '\u000e', '\u000f', '\v') },
    { weight: 4, arbitrary: fc.constantFrom(...LOOKS).map((look) => `\u001b[${look}m`) },
    { weight: 4, arbitrary: csi('ABCDEFGIJKLMPSTXZ@bde`a') },
    { weight: 2, arbitrary: fc.tuple(numbers, numbers).map(([row, column]) => `\u001b[${row};${column}H`) },
    { weight: 1, arbitrary: fc.tuple(numbers, numbers).map(([top, bottom]) => `\u001b[${top};${bottom}r`) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(...MODES, ...(sort === 'narrow' ? [7] : [])), fc.constantFrom('h', 'l'))
        .map(([mode, set]) => `\u001b[?${mode}${set}`),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(47, 1047, 1048, 1049), fc.constantFrom('h', 'l')).map(([mode, set]) => `\u001b[?${mode}${set}`),
    },
    { weight: 2, arbitrary: fc.constantFrom('\u001b7', '\u001b8', '\u001b[s', '\u001b[u') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('\u001bD', '\u001bE', '\u001bM', '\u001bH', '\u001b[g', '\u001b[3g', '\u001b=', '\u001b>', '\u001b#8'),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('(', ')', '*', '+'), fc.constantFrom('0', 'A', 'B', 'K', 'Z'))
        .map(([to, name]) => `\u001b${to}${name}`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '\u001b[4h',
        '\u001b[4l',
        '\u001b[1"q',
        '\u001b[0"q',
        '\u001b[?J',
        '\u001b[?K',
        '\u001b[!p',
        '\u001bc',
        '\u001bn',
        '\u001b[2J',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '\u001b]8;;http://a/b\u001b\\',
        '\u001b]8;id=7;http://c\u0007',
        '\u001b]8;;\u0007',
        '\u001b]0;title\u0007',
        '\u001b]2;two\u001b\\',
        '\u001b]11;#112233\u0007',
        '\u001b]4;3;red\u0007',
        '\u001b]104\u0007',
        '\u001b]111\u0007',
        '\u001b]52;c;aGk=\u0007',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '\u001b[>1u',
        '\u001b[<u',
        '\u001b[=5;1u',
        '\u001b[>4;2m',
        '\u001b[>4m',
        '\u001b[3 q',
        '\u001b[6 q',
        '\u001b[0 q',
        '\u001b[c',
        '\u001bP$qm\u001b\\',
        '\u001bPq#1~~\u001b\\',
      ),
    },
    // the beginnings of sequences, and what is none
    ...(sort === 'narrow'
      ? [
          {
            weight: 2,
            arbitrary: fc.constantFrom(
              '\u001b',
              '\u0018',
              '\u007f',
              '\u001b[1;',
              '\u001b]0;abc',
              '\u0000',
              "\u001b[2'}",
              "\u001b[1'~",
              '\u001b[3 @',
              '\u001b[2 A',
            ),
          },
        ]
      : []),
  )

/** What a program might put out, control sequences of all sorts among it. */
export const programOutput: fc.Arbitrary<string> = fc
  .constantFrom<Sort>('wide', 'narrow')
  .chain((sort) => fc.array(steps(sort), { minLength: 1, maxLength: 60 }).map((all) => all.join('')))
