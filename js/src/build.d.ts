declare module "*.css" {
  const text: string;
  export default text;
}

/** Prefix of the file names of parts and locales. Set by the build. */
declare const COMMON: string;

/** Languages with locale files, separated by spaces. Set by the build. */
declare const LOCALES: string;

/** SHA-256 of the part `connection` in base64 without the trailing `=`. Set by the build. */
declare const HASH: string;

/** SHA-256 of the parts `more-corrections`, `more-decisions`, `more-hints` and `opening` in the same form. Set by the build. */
declare const DECISIONS: string;
declare const OPENING: string;
declare const CORRECTIONS: string;
declare const HINTS: string;

/** SHA-256 of the parts `outbox`, `preview` and `proof` in the same form. Set by the build. */
declare const OUTBOX: string;
declare const PREVIEW: string;
declare const PROOF: string;

/** SHA-256 of each other part in the same form, by part name. Set by the build. */
declare const OTHERS: Record<string, string>;
