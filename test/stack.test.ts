/** The local stack (Dockerfile, docker-compose.yml, docker/) without a Docker engine: what it names must exist and work. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { readConfig } from '../src/config.ts'
import { createMetrics } from '../src/metrics.ts'
import { startRedis } from './lib/redis.ts'
import { redisCommand } from './lib/redis_process.ts'

type Service = {
  image: string
  profiles?: string[]
  command?: string[]
  environment?: Record<string, string>
  volumes?: string[]
  healthcheck?: { disable?: boolean }
  depends_on?: Record<string, { condition: string }>
  privileged?: boolean
  read_only?: boolean
}

const root = new URL('..', import.meta.url).pathname
const read = (path: string) => readFileSync(root + path, 'utf8')
const compose: { services: Record<string, Service> } = parse(read('docker-compose.yml'), { merge: true })
const services = Object.entries(compose.services)
const dockerfile = read('Dockerfile').replaceAll(/\\\n/g, ' ').split('\n')
const instructions = (name: string) =>
  dockerfile.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1).trim())

test('every base image has an exact version', () => {
  const bases = instructions('ARG').map((line) => line.split('=')[1])
  const images = services.map(([, { image }]) => image).filter((image) => image !== 'prerank')
  assert.ok(bases.length > 0 && images.length > 0)
  for (const image of [...bases, ...images]) assert.match(image, /:v?\d+\.\d+\.\d+(-[\w.-]+)?$/)
  for (const from of instructions('FROM')) assert.match(from, /^\$\{NODE_IMAGE\}( AS \w+)?$/)
})

test('the image runs the Node that package-lock.json pins', () => {
  const { version } = JSON.parse(read('package-lock.json')).packages['node_modules/node']
  assert.ok(instructions('ARG')[0].startsWith(`NODE_IMAGE=node:${version}-`), `expected node:${version}`)
})

test('the image starts the service as `npm start` does', () => {
  const command: string[] = JSON.parse(instructions('CMD')[0])
  assert.equal(`exec ${command.join(' ')}`, JSON.parse(read('package.json')).scripts.start)
})

test('nothing runs as root or may become root', () => {
  const users = instructions('USER')
  assert.match(users[users.length - 1], /^[1-9]\d*:[1-9]\d*$/)
  for (const [name, service] of services) {
    assert.ok(!service.privileged, name)
    if (service.image === 'prerank') assert.equal(service.read_only, true, `${name}: read_only`)
  }
})

test('everything the Dockerfile copies exists and passes .dockerignore', () => {
  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  const copies = instructions('COPY').filter((line) => !line.startsWith('--from'))
  for (const source of copies.flatMap((line) => line.split(/\s+/).slice(0, -1))) {
    assert.ok(existsSync(root + source), `COPY ${source}: no such file`)
    assert.ok(
      allowed.some((path) => source === path || source.startsWith(`${path}/`)),
      `.dockerignore keeps out ${source}`,
    )
  }
})

test('the build stage has all that the kernel is compiled from', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'prerank-image-'))
  t.after(() => rm(folder, { recursive: true }))
  const stage = dockerfile.slice(
    0,
    dockerfile.findIndex((line) => line.includes('npm ci')),
  )
  const copied = stage.filter((line) => line.startsWith('COPY ')).map((line) => line.split(/\s+/).slice(1))
  for (const path of copied.flatMap((words) => words.slice(0, -1))) {
    await cp(join(root, path), join(folder, path), { recursive: true })
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  const built = spawnSync(process.execPath, ['src/kernel/build.mjs'], { cwd: folder, encoding: 'utf8' })
  assert.match(built.stdout, /native kernel compiled/)
})

test('who waits for a healthy service finds a health check there', () => {
  const checked = (name: string) =>
    compose.services[name].image === 'prerank'
      ? instructions('HEALTHCHECK').length === 1
      : compose.services[name].healthcheck
  for (const [name, { depends_on }] of services) {
    for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
      assert.ok(compose.services[other], `${name} depends on ${other}`)
      if (condition === 'service_healthy')
        assert.ok(checked(other), `${name} waits for ${other}, which has no health check`)
    }
  }
})

test('the image’s health check follows /readyz', async () => {
  const command: string[] = JSON.parse(instructions('HEALTHCHECK')[0].replace(/^.*?CMD /, ''))
  let status = 200
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/readyz' ? status : 404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const check = async () => {
    const child = spawn(process.execPath, command.slice(1), { env: { PORT: `${port}` }, stdio: 'ignore' })
    return (await once(child, 'exit'))[0]
  }
  assert.equal(command[0], 'node')
  assert.equal(await check(), 0)
  status = 503
  assert.equal(await check(), 1)
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
  assert.equal(await check(), 1)
})

test('the service accepts the environment it is given', () => {
  const environment = compose.services.prerank.environment ?? {}
  const config = readConfig(environment)
  for (const [name, value] of Object.entries(environment)) {
    assert.equal(
      String(config[name.toLowerCase() as keyof typeof config]),
      value,
      `${name} is not a variable of the config`,
    )
  }
})

test('the commands of the one-shot jobs exist with these options', () => {
  for (const [name, { image, command }] of services) {
    if (image !== 'prerank' || !command) continue
    const [node, script, ...rest] = command
    assert.equal(node, 'node')
    const verbs = rest.slice(
      0,
      Math.max(
        0,
        rest.findIndex((argument) => argument.startsWith('-')),
      ),
    )
    const help = spawnSync(process.execPath, [root + script, ...verbs, '--help'], { encoding: 'utf8' })
    assert.equal(help.status, 0, `${name}: ${help.stderr}`)
    for (const option of rest.filter((argument) => argument.startsWith('--'))) {
      assert.ok(help.stdout.includes(option), `${name}: ${script} ${verbs} has no option ${option}`)
    }
  }
})

test('mounted configuration exists', () => {
  const mounts = services.flatMap(([, { volumes }]) => volumes ?? []).filter((volume) => volume.startsWith('.'))
  for (const mount of mounts) assert.ok(existsSync(root + mount.split(':')[0]), mount)
})

test('redis-server accepts docker/redis/redis.conf', async () => {
  const redis = await startRedis({ args: ['--include', `${root}docker/redis/redis.conf`] })
  try {
    assert.match(await redisCommand(redis.port, 'CONFIG GET maxmemory-policy'), /noeviction/)
  } finally {
    await redis.stop()
  }
})

type Panel = { id: number; title: string; datasource: { uid: string }; targets: { expr: string }[]; gridPos: Box }
type Rules = { groups: { rules: { alert: string; expr: string }[] }[] }
type Box = { x: number; y: number; w: number; h: number }
const dashboard: { panels: Panel[] } = JSON.parse(read('docker/grafana/dashboards/prerank.json'))

const alerts = (parse(read('docker/prometheus/alerts.yml')) as Rules).groups.flatMap(({ rules }) => rules)

test('every metric in dashboard and alerts is one the service exposes', async () => {
  const { registry } = createMetrics()
  const exposed = new Set(['up'])
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    for (const suffix of `${type}` === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) exposed.add(name + suffix)
  }
  const expressions = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...alerts.map(({ expr }) => expr),
  ]
  assert.ok(expressions.length > 20)
  for (const expression of expressions) {
    const used = expression.match(/\b(prerank|process|nodejs)_\w+|\bup\b/g) ?? []
    assert.ok(used.length > 0, expression)
    for (const name of used) assert.ok(exposed.has(name), `${name} in ${expression}`)
  }
})

test('the demo bundle, whose counts are from the past, raises no alert of old counts', () => {
  const { name } = JSON.parse(read('models/demo/manifest.json'))
  const rule = alerts.find(({ alert }) => alert === 'PrerankCountsOld')
  assert.ok(rule?.expr.includes(`unless on (instance) prerank_bundle_info{name="${name}"}`), rule?.expr)
})

test('a rejected bundle raises an alert', () => {
  const rule = alerts.find(({ alert }) => alert === 'PrerankReloadRejected')
  assert.match(rule?.expr ?? '', /increase\(prerank_reloads_total\{outcome="rejected"\}/)
})

test('the dashboard shows what an operator asks for, on the provisioned datasource', () => {
  const { datasources } = parse(read('docker/grafana/provisioning/datasources/prometheus.yml'))
  const text = dashboard.panels.map(({ title, targets }) => title + targets.map(({ expr }) => expr).join()).join()
  for (const topic of [
    'by stage',
    'Throughput',
    'Candidates',
    'Degraded',
    'Shed',
    'batch size',
    'Freshness',
    'Reloads',
    'Memory',
  ]) {
    assert.ok(text.includes(topic), topic)
  }
  const overlap = (a: Box, b: Box) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
  for (const [index, panel] of dashboard.panels.entries()) {
    assert.equal(panel.datasource.uid, datasources[0].uid)
    assert.ok(panel.gridPos.x + panel.gridPos.w <= 24, panel.title)
    for (const other of dashboard.panels.slice(index + 1)) {
      assert.ok(panel.id !== other.id && !overlap(panel.gridPos, other.gridPos), `${panel.title} and ${other.title}`)
    }
  }
})
