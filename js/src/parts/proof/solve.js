/**
 * Find the number that a challenge in the format of ALTCHA asks for. SHA-256 is computed here: pages without TLS have no
 * SubtleCrypto, and one call of it takes longer than a hash in plain JavaScript.
 */

/** The page stays responsive: it has the thread again after so many milliseconds. */
const SLICE_MS = 12;

/** Words of 32 bits. @param {number} length @returns {any} */
const createWords = (length) => new Int32Array(length);

const K = createWords(64);
const START = createWords(8);


// The first bits of the fractional parts of cube and square roots of the first primes (FIPS 180-4, sections 4.2.2 and 5.3.3).
for (let n = 2, i = 0; i < 64; n++) {
  let prime = true;
  for (let f = 2; f * f <= n; f++) if (!(n % f)) prime = false;
  if (!prime) continue;
  const bits = (/** @type {number} */ root) => (root % 1) * 2 ** 32;
  if (i < 8) START[i] = bits(n ** (1 / 2));
  K[i++] = bits(Math.cbrt(n));
}

const W = createWords(64);

/** Blocks of the last text, used again for the next one of the same length. */
let words = createWords(16);

/**
 * Return the SHA-256 of an ASCII text as 8 words, in `out`.
 *
 * @param {string} text
 * @param {any} [out]
 */
export function hash(text, out = createWords(8)) {
  const { length } = text;
  const size = (((length + 8) >> 6) + 1) * 16;
  if (words.length !== size) words = createWords(size);
  words.fill(0);
  for (let i = 0; i <= length; i++) words[i >> 2] |= (i < length ? text.charCodeAt(i) : 128) << (24 - 8 * (i & 3));
  words[size - 1] = length * 8;
  out.set(START);
  for (let start = 0; start < size; start += 16) {
    for (let i = 0; i < 16; i++) W[i] = words[start + i];
    for (let i = 16; i < 64; i++) {
      const x = W[i - 15];
      const y = W[i - 2];
      W[i] =
        W[i - 16] +
        W[i - 7] +
        (((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)) +
        (((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = out;
    for (let i = 0; i < 64; i++) {
      const s =
        (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0;
      const t = ((((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + s) | 0;
      d = c;
      c = b;
      b = a;
      a = (s + t) | 0;
    }
    out[0] += a;
    out[1] += b;
    out[2] += c;
    out[3] += d;
    out[4] += e;
    out[5] += f;
    out[6] += g;
    out[7] += h;
  }
  return out;
}

/**
 * Return the solution of a challenge as the field `proof` of a comment, or undefined if it has none.
 *
 * @param {{algorithm: string, challenge: string, maxnumber: number, salt: string, signature: string}} challenge
 * @returns {Promise<string | undefined>}
 */
export async function solve(challenge) {
  const { salt, maxnumber, challenge: wanted } = challenge;
  const sought = (wanted.match(/.{8}/g) ?? []).map((word) => parseInt(word, 16) | 0);
  const state = createWords(8);
  for (let number = 0; number <= maxnumber; ) {
    const end = performance.now() + SLICE_MS;
    do {
      hash(salt + number, state);
      if (state[0] === sought[0] && sought.every((word, i) => state[i] === word)) return btoa(JSON.stringify({ ...challenge, number }));
    } while (number++ < maxnumber && (number % 64 || performance.now() < end));
    await new Promise((resolve) => setTimeout(resolve));
  }
  return undefined;
}
