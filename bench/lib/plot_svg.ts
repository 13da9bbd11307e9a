/** The few SVG elements that charts are made of, and how they look: on a ground of their own, light or dark. */

export const FONT_PX = 13
export const TITLE_PX = 16
/** Colours that stay apart for the colour-blind (Okabe and Ito), the two palest darkened on a light ground. */
const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#6a3d9a', '#555555']
const DARK = ['#4ba3e3', '#ff8c42', '#2ec4a0', '#e79ac5', '#e6c229', '#8fd3ff', '#b79df0', '#bbbbbb']
export const COLOURS = LIGHT.length

const paint = (colours: string[]) =>
  colours.map((colour, i) => `.s${i}{stroke:${colour}}.f${i}{fill:${colour}}`).join('')
const theme = (ground: string, ink: string, grid: string) =>
  `.ground{fill:${ground}}text{fill:${ink}}.grid{stroke:${grid}}`

const STYLE = [
  `text{font:${FONT_PX}px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}`,
  `.title{font-size:${TITLE_PX}px;font-weight:600}.line{fill:none;stroke-width:2;stroke-linejoin:round}.grid{stroke-width:1}.band{fill:#888;fill-opacity:.22}`,
  theme('#ffffff', '#24292f', '#d8dee4'),
  paint(LIGHT),
  `@media(prefers-color-scheme:dark){${theme('#0d1117', '#e6edf3', '#30363d')}${paint(DARK)}}`,
].join('')

type Attributes = Record<string, string | number | undefined>

export function element(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escapeXml(`${value}`)}"`)
  return content ? `<${name}${written.join('')}>${content}</${name}>` : `<${name}${written.join('')}/>`
}

export type Anchor = 'start' | 'middle' | 'end'
export type Text = { x: number; y: number; anchor?: Anchor; class?: string; transform?: string }

export const text = (content: string, { anchor, ...rest }: Text) =>
  element('text', { ...rest, 'text-anchor': anchor }, escapeXml(content))

export function document(
  parts: string[],
  { width, height, title }: { width: number; height: number; title: string },
): string {
  const head = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' }
  const ground = element('rect', { class: 'ground', x: 0, y: 0, width, height, rx: 6 })
  const named = element('title', {}, escapeXml(title))
  return `${element('svg', head, ['', named, `<style>${STYLE}</style>`, ground, ...parts, ''].join('\n'))}\n`
}

/** System fonts are about this wide; layout needs no more than that. */
export const widthOf = (content: string, size_px = FONT_PX) => content.length * size_px * 0.56

const round = (value: number) => `${Math.round(value * 100) / 100}`
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
export const escapeXml = (content: string) => content.replace(/[&<>"]/g, (character) => ENTITIES[character])
