/** The bytes of an answer. In JSON the addon writes the two long columns, ids as they stand in the body. */
import type { Addon } from '../items/addon.ts'
import type { PrerankAnswer } from '../prerank/answer.ts'
import { ParsedIds } from '../prerank/parsed_ids.ts'
import { type AnswerOptions, answerBody, answerTexts } from './answer.ts'
import { createWriter } from './formats.ts'

export type WriteAnswer = (answer: PrerankAnswer, options: AnswerOptions) => Buffer

export function createWriteAnswer(addon: Addon | null): WriteAnswer {
  const write = createWriter()
  return (answer, options) => {
    if (!addon || options.format === 'cbor') return write(answerBody(answer, options), options.format)
    const { head, tail } = answerTexts(answer, options)
    const { positions, scores } = answer
    const { bytes, spans } = options.candidates instanceof ParsedIds ? options.candidates : NOT_PARSED
    return addon.jsonAnswer(head, bytes, spans, positions, scores, tail)
  }
}

const NOT_PARSED = { bytes: null, spans: null }
