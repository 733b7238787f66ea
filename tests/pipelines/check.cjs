// node check.cjs SCHEMA FILE... : judges files with Microsoft's own language service (the checker of
// the VS Code extension). Prints `FILE:LINE: message` for each fault; exits 1 if there is any.
const fs = require("node:fs");
const service = require("azure-pipelines-language-service");
const { TextDocument } = require("vscode-languageserver-textdocument");

const [schemaFile, ...files] = process.argv.slice(2);
const schema = JSON.parse(fs.readFileSync(schemaFile, "utf8"));
const checker = service.getLanguageService(
  () => Promise.resolve(schema),
  [],
  () => Promise.resolve("schema.json"),
  { resolveRelativePath: (relative) => relative },
  Promise,
);
checker.configure({
  validate: true,
  schemas: [{ uri: "schema.json", fileMatch: ["*"], schema }],
});

async function faults(file) {
  const text = fs.readFileSync(file, "utf8");
  const document = TextDocument.create(`file:///${file}`, "azure-pipelines", 1, text);
  const found = await checker.doValidation(document, service.parse(text));
  return found.map((fault) => `${file}:${fault.range.start.line + 1}: ${fault.message}`);
}

Promise.all(files.map(faults)).then((found) => {
  found.flat().forEach((line) => console.log(line));
  process.exit(found.flat().length ? 1 : 0);
});
