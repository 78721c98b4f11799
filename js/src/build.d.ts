declare module "*.css" {
  const text: string;
  export default text;
}

/** Name of the second file, put in by the build. */
declare const SECOND: string;

/** How the names of the files of words begin, and the languages that have them, put in by the build. */
declare const LOCALES: string;
