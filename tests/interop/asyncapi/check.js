// Prints what AsyncAPI's own parser has to say of a document: node check.js asyncapi.yaml
import { AvroSchemaParser } from "@asyncapi/avro-schema-parser";
import { Parser, fromFile } from "@asyncapi/parser";

const parser = new Parser();
parser.registerSchemaParser(AvroSchemaParser());
const { document, diagnostics } = await fromFile(parser, process.argv[2]).parse();
const told = diagnostics.map((one) => ({ severity: one.severity, where: one.path.join("."), message: one.message }));
const found = document && {
  channels: document.channels().all().map((one) => one.address()),
  messages: document.messages().all().map((one) => one.name()),
};
console.log(JSON.stringify({ told, found: found ?? null }));
