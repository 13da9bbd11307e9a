/** IEEE 754 binary16, as numbers and as their bits. */

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** Nearest half, ties to even; overflow becomes infinity. */
export function toHalf(value: number): number {
  float[0] = value
  const sign = (bits[0] >>> 16) & 0x8000
  const magnitude = bits[0] & 0x7fffffff
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00)
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are fixed point with a step of 2^-24; adding 0.5 makes the float unit round for us.
    float[0] = Math.abs(float[0]) + 0.5
    return sign | (bits[0] - 0x3f000000)
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

/** Tables hold finite halves only; like the native kernel, this reads the largest exponent as a number too. */
export function fromHalf(half: number): number {
  bits[0] = (half & 0x7fff) << 13
  const magnitude = float[0] * 2 ** 112
  return half & 0x8000 ? -magnitude : magnitude
}
