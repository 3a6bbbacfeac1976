/** What is odd about data sets in Pascal VOC's form: it is read right, said aloud, or refused in a sentence. */

import { BOTH, DOG_BOX, encoded, type Oddity, PERSON_BOX, PICTURE, testOddSets } from "../support/odd_sets.ts";

/** An XML file of Pascal VOC with one object. */
const xml = (filename: string, name: string, { head = "", box = [13, 10, 20, 15], inside = "" } = {}) =>
  `${head}<annotation><folder>x</folder><filename>${filename}</filename><size><width>32</width><height>24</height>` +
  `<depth>3</depth></size><object><name>${name}</name>${inside}<bndbox>${
    ["xmin", "ymin", "xmax", "ymax"].map((key, i) => `<${key}>${box[i]}</${key}>`).join("")
  }</bndbox></object></annotation>`;
const VOC = { "JPEGImages/a.png": PICTURE, "JPEGImages/b.png": PICTURE };
const VOC_BOTH = { ...VOC, "Annotations/a.xml": xml("a.png", "person"), "Annotations/b.xml": xml("b.png", "dog") };

const SETS: Record<string, Oddity> = {
  "a file that names another picture": {
    files: { ...VOC_BOTH, "Annotations/a.xml": xml("b.png", "person") },
    images: BOTH,
    says: [
      /^1 file names another picture than its own name does, which counts: Annotations\/a\.xml: it says that it is of b\.png$/,
    ],
    strictly: /Annotations\/a\.xml: it says that it is of b\.png$/,
  },
  "a file that names a picture that is not there": {
    files: { ...VOC_BOTH, "Annotations/a.xml": xml("C:\\x\\old.jpg", "person") },
    images: BOTH,
  },
  "files that name their pictures in other capitals or without ending": {
    files: { ...VOC_BOTH, "Annotations/a.xml": xml("A.PNG", "person"), "Annotations/b.xml": xml("b", "dog") },
    images: BOTH,
  },
  "pictures that differ in their endings alone": {
    files: { ...VOC_BOTH, "JPEGImages/a.jpg": PICTURE },
    images: BOTH,
    says: [/^1 image without a file of annotations left out: JPEGImages\/a\.jpg/],
    strictly: /JPEGImages\/a\.jpg: has no XML file$/,
  },
  "names in GBK, as the file states": {
    files: {
      ...VOC_BOTH,
      "Annotations/b.xml": encoded(xml("b.png", "?x?", { head: '<?xml version="1.0" encoding="gbk"?>' }), 0xc3, 0xa8),
    },
    images: { "a.png": PERSON_BOX, "b.png": ["\u732b 12,9,20,15"] },
  },
  "names in Latin-1, as the file states": {
    files: {
      ...VOC_BOTH,
      "Annotations/b.xml": encoded(
        xml("b.png", "chi?x?n", { head: "<?xml version='1.0' encoding='ISO-8859-1'?>" }),
        0xe9,
      ),
    },
    images: { "a.png": PERSON_BOX, "b.png": ["chi\u00e9n 12,9,20,15"] },
  },
  "names in GBK, which the file does not state": {
    files: { ...VOC_BOTH, "Annotations/b.xml": encoded(xml("b.png", "?x?"), 0xc3, 0xa8, 0xb9) },
    refused: /Annotations\/b\.xml: is not UTF-8 text, save it as UTF-8$/,
  },
  "lists of names with spaces, endings, folders and numbers": {
    files: {
      ...VOC_BOTH,
      "JPEGImages/my img 1.png": PICTURE,
      "Annotations/my img 1.xml": xml("my img 1.png", "dog"),
      "ImageSets/Main/val.txt": "my img 1\na  1\nJPEGImages/b.png\n",
    },
    images: { "my img 1.png": DOG_BOX, ...BOTH },
  },
  "capitals in endings": {
    files: { "JPEGImages/a.PNG": PICTURE, "Annotations/a.XML": xml("a.png", "person") },
    images: { "a.PNG": PERSON_BOX },
  },
  "records of macOS beside pictures": {
    files: { "a.png": PICTURE, "a.xml": xml("a.png", "person"), "._a.xml": "x", "._a.png": "x" },
    images: { "a.png": PERSON_BOX },
  },
  "parts of objects with boxes of their own": {
    files: {
      ...VOC,
      "Annotations/a.xml": xml("a.png", "person", {
        inside:
          "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></part>",
      }),
      "Annotations/b.xml": xml("b.png", "dog"),
    },
    images: BOTH,
  },
  "edges counted from 0": {
    files: {
      ...VOC,
      "Annotations/a.xml": xml("a.png", "person", { box: [0, 10, 20, 15] }),
      "Annotations/b.xml": xml("b.png", "dog", { box: [12, 9, 20, 15] }),
    },
    images: { "a.png": ["person 0,10,20,15"], "b.png": DOG_BOX },
    says: ["boxes are edges counted from 0, as some of them show"],
  },
  "edges as CVAT writes them": {
    files: {
      ...VOC,
      "Annotations/a.xml": xml("a.png", "person", { box: [12, 9, 20, 15] }),
      "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:0,0,0::\n",
    },
    images: { "a.png": PERSON_BOX },
    says: ["boxes are edges counted from 0, as CVAT writes them", /^1 image without a file of annotations left out: /],
    strictly: /has no XML file$/,
  },
  "boxes in parts of the picture": {
    files: { ...VOC, "Annotations/a.xml": xml("a.png", "person", { box: [0.1, 0.2, 0.5, 0.9] }) },
    refused: /Annotations: its boxes lie between 0 and 1, expected pixels$/,
  },
};

testOddSets("Pascal VOC", SETS);
