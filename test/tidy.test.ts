/** The rules of CONTRIBUTING.md and docs/architecture.md that a program can check. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const files = (...patterns: string[]) => globSync(patterns, { cwd: root, exclude: ['**/node_modules/**'] }).sort()
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const sources = files('src/**/*.ts')
const tests = files('test/**/*.ts', 'models/tests/**/*.py')
const code = [...sources, ...tests, ...files('src/**/*.{c,h,mjs,sql}', 'bench/**/*.{ts,py,sh}', 'models/**/*.py')]
const documents = files('*.md', 'docs/**/*.md', 'bench/**/*.md', 'models/*.md')

type Import = { from: string; to: string }
const imports: Import[] = sources.flatMap((from) =>
  [...read(from).matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm)].map(
    ([, a, b, c]) => ({ from, to: resolveImport(from, a ?? b ?? c) }),
  ),
)

function resolveImport(from: string, specifier: string): string {
  return specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : specifier
}

/** The area of a file of src: its folder, or for a file directly in src its name. */
const areaOf = (path: string) => /^src\/([^/]+?)(\.ts)?(\/|$)/.exec(path)?.[1] ?? null

function assertNone<T>(found: T[], rule: string): void {
  assert.deepEqual(found, [], rule)
}

const ROOTS = ['server', 'worker', 'cli']

/** What an area may import of the project, besides itself. Areas that are not listed may import what is not forbidden below. */
const ARROWS: Record<string, string[]> = {
  kernel: ['items'],
  items: ['kernel'],
  config: ['config_schema'],
  config_schema: [],
  errors: [],
}

/** [from, to] pairs of areas that must not be. */
const FORBIDDEN: [string, string[]][] = [
  ['prerank', ['http', 'engagements', 'jobs', 'app', ...ROOTS]],
  ['engagements', ['http', 'jobs', 'app', ...ROOTS]],
  ['features', ['http', 'jobs', 'app', ...ROOTS]],
  ['store', ['http', 'jobs', 'prerank', 'engagements', 'app', ...ROOTS]],
  ['tower', ['http', 'jobs', 'app', ...ROOTS]],
  ['bundle', ['http', 'jobs', 'app', ...ROOTS]],
  ['engagements', ['http', 'jobs', 'app', ...ROOTS]],
  ['jobs', ['http', 'app', ...ROOTS]],
  ['http', ['jobs', ...ROOTS]],
]

test('imports follow the arrows', () => {
  const allowed = ({ from, to }: Import) => {
    const [area, target] = [areaOf(from), areaOf(to)]
    if (area === null || target === null || area === target) return true
    if (ARROWS[area]) return ARROWS[area].includes(target)
    return !FORBIDDEN.some(([one, others]) => one === area && others.includes(target))
  }
  assert.ok(imports.length > 100, 'the import pattern finds imports')
  assertNone(
    imports.filter((one) => !allowed(one)),
    'an import points the wrong way',
  )
})

test('imports point at files that exist', () => {
  assertNone(
    imports.filter(({ to }) => to.startsWith('src/') && !existsSync(join(root, to))),
    'an import has no file',
  )
})

test('only http knows HTTP', () => {
  const knows = (path: string) => areaOf(path) === 'http' || ['src/app.ts', 'src/server.ts'].includes(path)
  assertNone(
    imports.filter(({ from, to }) => /^(@?fastify\b|node:http)/.test(to) && !knows(from)),
    'fastify belongs to src/http, src/app.ts and src/server.ts',
  )
})

test('only config reads the environment, and one file sets a variable of it', () => {
  assertNone(
    matches(
      sources.filter((path) => path !== 'src/config.ts' && path !== 'src/tower/telemetry.ts'),
      /\bprocess\.env\b/,
    ),
    'take it from the config',
  )
})

test('files have one idea: limits on their length', () => {
  const lines = (path: string) => read(path).split('\n').length
  const long = code.filter((path) => lines(path) > (tests.includes(path) ? 400 : 300))
  assertNone(
    long.map((path) => `${path}: ${lines(path)} lines`),
    'split it',
  )
  const short = sources.filter((path) => lines(path) <= 150).length
  assert.ok(short >= 0.8 * sources.length, `${short} of ${sources.length} source files have 150 lines or fewer`)
})

test('no test is skipped, focused or announced', () => {
  const marker =
    /\b(test|it|describe|suite)\.(skip|only|todo)\b|\b(skip|todo|only): |@pytest\.mark\.(skip\b|xfail)|\bt\.todo\(/
  assertNone(
    matches(
      tests.filter((path) => !path.endsWith('tidy.test.ts')),
      marker,
    ),
    'make it run or delete it',
  )
})

test('a test stands aside only where its data is absent', () => {
  // The one allowed form: `if (!existsSync(data)) return t.skip('…')` and its like in pytest.
  const skip = /^.*(\bt\.skip\(|pytest\.skip\(|pytest\.mark\.skipif).*$/gm
  for (const path of tests.filter((one) => !one.endsWith('tidy.test.ts'))) {
    const text = read(path)
    for (const { 0: line, index } of text.matchAll(skip)) {
      const before = text.slice(0, index).split('\n').slice(-3).join('\n') + line
      assert.match(before, /existsSync|\.exists\(\)|\.is_dir\(\)|\.is_file\(\)/, `${path}: ${line.trim()}`)
    }
  }
})

test('no work is announced in comments', () => {
  assertNone(
    matches(
      code.filter((path) => !path.endsWith('tidy.test.ts')),
      /\b(TODO|FIXME|XXX|HACK)\b/,
    ),
    'do it or file it',
  )
})

test('types are not switched off', () => {
  assertNone(matches(sources, /: any\b|\bas any\b|<any>|@ts-(ignore|expect-error|nocheck)|biome-ignore/), 'type it')
})

test('no barrels', () => {
  assertNone(matches(sources, /^export \* from/m), 'import from where it is defined')
})

test('the layout is there', () => {
  const expected = [
    ...['server.ts', 'worker.ts', 'cli.ts', 'app.ts', 'config.ts', 'errors.ts', 'metrics.ts'].map(
      (name) => `src/${name}`,
    ),
    ...['http', 'prerank', 'features', 'store', 'items', 'tower', 'kernel', 'bundle', 'jobs'].map(
      (name) => `src/${name}`,
    ),
    ...['models/interactrank', 'models/demo', 'openapi/openapi.json', 'docker', 'bench', 'docs', 'Dockerfile'],
    ...['docker-compose.yml', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', '.ci/run'],
  ]
  assertNone(
    expected.filter((path) => !existsSync(join(root, path))),
    'missing',
  )
})

test('links in documents lead somewhere', () => {
  const broken = documents.flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
      .filter(([, target]) => !existsSync(join(root, dirname(path), target)))
      .map(([, target]) => `${path} → ${target}`),
  )
  assertNone(broken, 'a link is broken')
})

/** `path:line text` of every line that matches. */
function matches(paths: string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
  )
}
