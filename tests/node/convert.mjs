// Runs Salesforce's own converter over package directories and prints what it made of them:
//   node convert.mjs API_VERSION OUTPUT SOURCE...
// Started from the directory in which @salesforce/source-deploy-retrieve is installed.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve("package.json"));
const { ComponentSet, MetadataConverter } = require("@salesforce/source-deploy-retrieve");

const [version, output, ...sources] = process.argv.slice(2);
const components = ComponentSet.fromSource(sources);
// Without a version it would ask the network for the newest one.
components.apiVersion = components.sourceApiVersion = version;
const listed = components.getSourceComponents().toArray().map((component) => ({
  type: component.type.name,
  name: component.fullName,
  files: [component.xml, ...component.walkContent()].filter(Boolean),
}));
await new MetadataConverter().convert(components, "metadata", {
  type: "directory",
  outputDirectory: output,
  genUniqueDir: false,
});
console.log(JSON.stringify({ components: listed, manifest: await components.getObject() }));
