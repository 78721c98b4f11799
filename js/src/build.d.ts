declare module "*.css" {
  const text: string;
  export default text;
}

/** How the names of the files begin that are fetched on first use, put in by the build. */
declare const PARTS: string;

/** How the names of the files of words begin, and the languages that have them, put in by the build. */
declare const LOCALES: string;
