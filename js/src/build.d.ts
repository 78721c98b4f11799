declare module "*.css" {
  const text: string;
  export default text;
}

/** How the names of the files begin that are fetched on first use, put in by the build. */
declare const COMMON: string;

/** The languages that have files of words, put in by the build. */
declare const LOCALES: string;

/** SHA-256 of the part `connection` in base64 without its last sign, put in by the build. */
declare const HASH: string;

/** The same of each other part, by its name. */
declare const OTHERS: Record<string, string>;
