// Checks whole HTML documents against the HTML standard with html-validate.
// Reads a JSON object of documents by name, prints an array of sentences. Argument: the package's file.
const { HtmlValidate, StaticConfigLoader } = await import(process.argv[2]);
const validator = new HtmlValidate(new StaticConfigLoader({
  extends: ["html-validate:standard"],
  rules: { "missing-doctype": "error", "close-order": "error", "void-content": "error" },
}));
let input = "";
for await (const chunk of process.stdin.setEncoding("utf8")) input += chunk;
const found = [];
for (const [name, html] of Object.entries(JSON.parse(input))) {
  const { results } = await validator.validateString(html, name);
  for (const { messages } of results) {
    for (const { ruleId, message, line, selector } of messages) {
      found.push(`${name}, line ${line}, ${selector}: ${message} (${ruleId}): ${html.split("\n")[line - 1].trim().slice(0, 200)}`);
    }
  }
}
console.log(JSON.stringify(found));
