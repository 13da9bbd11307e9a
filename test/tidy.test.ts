/** The rules of CONTRIBUTING.md and docs/architecture.md that a program can check. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const files = (...patterns: string[]) => globSync(patterns, { cwd: root, exclude: ['**/node_modules/**'] }).sort()
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const sources = files('src/**/*.ts')
const tests = files('test/**/*.ts', 'models/tests/**/*.py')
const code = [...sources, ...tests, ...files('src/**/*.{c,h,mjs,sql}', 'bench/**/*.{ts,py,sh}', 'models/**/*.py')]
const documents = files('*.md', 'docs/**/*.md', 'bench/**/*.md', 'models/*.md')

/** `type`: gone when the code runs. */
type Import = { from: string; to: string; type: boolean }
const IMPORT = /^(?:import|export)( type)?\b[^'"]*?from '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm
const imports: Import[] = sources.flatMap((from) =>
  [...read(from).matchAll(IMPORT)].map(([, type, a, b, c]) => ({
    from,
    to: resolveImport(from, a ?? b ?? c),
    type: type !== undefined,
  })),
)

function resolveImport(from: string, specifier: string): string {
  return specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : specifier
}

/** The area of a file of src: its folder, or for a file directly in src its name. */
const areaOf = (path: string) => /^src\/([^/]+?)(\.ts)?(\/|$)/.exec(path)?.[1] ?? null

function assertNone<T>(found: T[], rule: string): void {
  assert.deepEqual(found, [], rule)
}

/** What an area runs of the others, the lower ones first: an arrow that led down would close a circle. */
const ARROWS: Record<string, string> = {
  errors: '',
  schema_words: '',
  day: '',
  age_gauge: '',
  event_loop_delay: '',
  tally: '',
  logger: '',
  heap_growth: '',
  config_schema: 'day',
  config: 'config_schema',
  config_docs: 'config_schema',
  metrics: 'age_gauge event_loop_delay tally',
  access: '',
  admission: 'errors',
  items: '',
  features: 'day',
  kernel: 'items',
  store: 'day features',
  tower: 'features kernel',
  bundle: 'errors features items schema_words tower',
  prerank: 'admission bundle errors features schema_words store tower',
  engagements: 'errors features prerank store',
  reload: 'bundle errors',
  http: 'access admission day engagements errors items prerank reload',
  app: 'http',
  listen: 'access app http',
  open_store: 'store',
  open_serving: 'bundle kernel prerank',
  jobs: 'access bundle config day features items kernel prerank store tower',
  server: 'config heap_growth listen logger metrics open_serving open_store reload tower',
  worker: 'tower',
  cli: 'jobs',
  openapi: 'app config metrics reload',
}

/** Whose data an area knows besides, by its type only. */
const TYPES: Record<string, string> = {
  features: 'bundle engagements prerank store',
  tower: 'bundle items prerank',
  bundle: 'kernel',
  prerank: 'items kernel',
  engagements: 'bundle',
  reload: 'metrics open_serving prerank',
  http: 'config metrics store',
  app: 'access config metrics reload',
  open_store: 'config metrics',
  open_serving: 'config metrics open_store tower',
  server: 'http prerank',
}

const areasOf = (list = '') => list.split(' ').filter(Boolean)
const between = imports.flatMap(({ from, to, type }) => {
  const [area, target] = [areaOf(from), areaOf(to)]
  return area === null || target === null || area === target ? [] : [{ from, to, area, target, type }]
})

test('imports follow the arrows', () => {
  assert.ok(between.length > 100, 'the import pattern finds imports')
  const allowed = ({ area, target, type }: (typeof between)[number]) =>
    areasOf(ARROWS[area]).includes(target) || (type && areasOf(TYPES[area]).includes(target))
  assertNone(
    between.filter((one) => !allowed(one)).map(({ from, to }) => `${from} → ${to}`),
    'an import points the wrong way',
  )
})

test('every arrow is used, and none leads in a circle', () => {
  const used = (area: string, target: string, types: boolean) =>
    between.some((one) => one.area === area && one.target === target && (types || !one.type))
  const unused = [ARROWS, TYPES].flatMap((arrows) =>
    Object.entries(arrows).flatMap(([area, targets]) =>
      areasOf(targets)
        .filter((target) => !used(area, target, arrows === TYPES))
        .map((target) => `${area} → ${target}`),
    ),
  )
  assertNone(unused, 'take the arrow away')
  const layers = Object.keys(ARROWS)
  const downwards = layers.flatMap((area, layer) =>
    areasOf(ARROWS[area])
      .filter((target) => layers.indexOf(target) >= layer)
      .map((target) => `${area} → ${target}`),
  )
  assertNone(downwards, 'what an area runs stands above it')
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

test('tests that are named somewhere exist', () => {
  const texts = [...code, ...documents, ...files('Dockerfile', '*.yml', 'docker/**/*.*', '.ci/*')].filter(
    (path) => !statSync(join(root, path)).isDirectory(),
  )
  const missing = texts.flatMap((path) =>
    [...read(path).matchAll(/(?<![\w./-])test\/[\w./]+\.ts\b/g)]
      .filter(([name]) => !existsSync(join(root, name)))
      .map(([name]) => `${path}: ${name}`),
  )
  assertNone(missing, 'a test is named that is not there')
})

/** `path:line text` of every line that matches. */
function matches(paths: string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
  )
}
