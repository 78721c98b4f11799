declare module "*.css" {
  const text: string;
  export default text;
}

/** Name of the second file, put in by the build. */
declare const SECOND: string;
