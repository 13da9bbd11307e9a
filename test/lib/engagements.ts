/** Engagements over HTTP. */
import { randomUUID } from 'node:crypto'
import { type PostOptions, post, type TinyService } from './tiny_service.ts'

export type EventBody = Record<string, unknown> & { id: string; time: number }

export function eventBody(changed: Record<string, unknown> = {}): EventBody {
  return { id: randomUUID(), time: Date.now(), action: 'click', item: 8, user: { id: 'u1', country: 'DE' }, ...changed }
}

export type EngagementsAnswer = { outcomes: string[]; counts: Record<string, number>; request_id: string }

export async function engage(service: Pick<TinyService, 'url'>, events: unknown[], options?: PostOptions) {
  const answer = await postEngagements(service, { events }, options)
  return answer.body as unknown as EngagementsAnswer
}

export function postEngagements({ url }: Pick<TinyService, 'url'>, body: unknown, options?: PostOptions) {
  return post(`${url}/v1/engagements`, body, options)
}
