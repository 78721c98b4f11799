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

/** SHA-256 of each other part in the same form, by part name. Set by the build. */
declare const OTHERS: Record<string, string>;
