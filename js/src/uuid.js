/** Return a random UUID (version 4). `crypto.randomUUID` needs a secure context, which host pages may lack. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (Number(bytes[6]) & 15) | 64;
  bytes[8] = (Number(bytes[8]) & 63) | 128;
  return [...bytes]
    .map((byte, i) => ([4, 6, 8, 10].includes(i) ? "-" : "") + byte.toString(16).padStart(2, "0"))
    .join("");
}
