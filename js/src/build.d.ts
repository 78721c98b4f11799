declare module "*.css" {
  const text: string;
  export default text;
}

/** How the names of the files begin that are fetched on first use, put in by the build. */
declare const COMMON: string;

/** The languages that have files of words, put in by the build. */
declare const LOCALES: string;
