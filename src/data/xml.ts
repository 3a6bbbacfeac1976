/**
 * XML text to a plain tree of elements, strictly: what is not well-formed is refused with its line.
 *
 * @module
 */

// Of the parsers tried (fast-xml-parser, xmldom, this one) it is the strictest, says the line and column, and is the fastest.
import { SaxesParser } from "npm:saxes@6.0.0";
import { decodeText, readBytes } from "./files.ts";
import { FeatherdetError } from "../graph/error.ts";

/** An element without its attributes, of which the formats read here make no use. */
export interface XmlElement {
  readonly name: string;
  /** Its own text, trimmed. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Reads a file in the encoding that its first line states. Throws a `FeatherdetError` that names the file. */
export async function readXml(file: string): Promise<XmlElement> {
  const bytes = await readBytes(file);
  // The declaration itself is ASCII in all encodings but UTF-16, which has a mark of its own.
  const [, stated] = /^\s*<\?xml[^>]*encoding\s*=\s*["']([^"']+)["']/.exec(
    new TextDecoder("latin1").decode(bytes.subarray(0, 200)).replace(/^\u00ef\u00bb\u00bf/, ""),
  ) ?? [];
  return parseXml(decodeText(bytes, file, stated), file);
}

/** Parses a document and returns its root. Throws a `FeatherdetError` that names the file and the line. */
export function parseXml(source: string, file: string): XmlElement {
  const top: XmlElement[] = [];
  const open: { name: string; text: string; children: XmlElement[] }[] = [];
  const parser = new SaxesParser();
  parser.on("opentag", ({ name }) => {
    open.push({ name, text: "", children: [] });
  });
  const addText = (text: string) => {
    if (open.length > 0) open[open.length - 1].text += text;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => {
    const { name, text, children } = open.pop()!;
    (open.at(-1)?.children ?? top).push({ name, text: text.trim(), children });
  });
  parser.on("error", (error) => {
    const found = /^(?:\w+:)?(\d+):\d+: (.*?)\.?$/.exec(error.message);
    const place = found ? ` in line ${found[1]}: ${found[2]}` : `: ${error.message}`;
    throw new FeatherdetError(`broken XML${place}`, { file });
  });
  parser.write(source).close();
  return top[0];
}

/** The first child of a name. */
export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

/** The text of the first child of a name; undefined if there is none or it is empty. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return childOf(element, name)?.text || undefined;
}
