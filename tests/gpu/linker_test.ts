/** The shader linker, and the parameter blocks that go with linked shaders. */

import { assertEquals, assertThrows } from "@std/assert";
import { evaluateExpression, linkShader } from "../../src/gpu/linker.ts";
import { packParameters } from "../../src/kernels/parameters.ts";
import { FeatherdetError } from "../../src/graph/error.ts";
import { blocked, f32, i32, u32, vec2i, vec4i } from "../../src/kernels/kernel.ts";
import { SHADERS } from "../../src/kernels/shaders.ts";

const lines = (text: string) => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
const link = (source: string, constants = {}) => lines(linkShader({ main: source }, "main", constants));

Deno.test("expressions follow the precedence of C", () => {
  const scope = new Map<string, number | string>([["N", 3], ["MODE", "fast"]]);
  const value = (text: string) => evaluateExpression(text, scope);
  assertEquals(value("2 + 3 * N"), 11);
  assertEquals(value("(2 + 3) * N % 4"), 3);
  assertEquals(value("7 / 2 - 1"), 2);
  assertEquals(value("-7 / 2"), -3);
  assertEquals(value("N - 1 - 1"), 1);
  assertEquals(value("N > 2 && N != 4 || 0"), 1);
  assertEquals(value("!(N <= 2)"), 1);
  assertEquals(value("N == 3 && MODE == fast"), 1);
  assertEquals(value("MODE != fast"), 0);
  assertEquals(value("1 + 1 == 2"), 1);
});

Deno.test("expressions that cannot be read are named", () => {
  for (const text of ["", "1 +", "(1", "1 2", "1 ^ 2", "* 3"]) {
    assertThrows(() => evaluateExpression(text, new Map()), FeatherdetError, `"${text}"`);
  }
});

Deno.test("constants become WGSL once, words do not, and a kernel overrides both", () => {
  const source = "#const N = 2 // rows\n#const FORM = plain\n#const M = N * 3\n#const N = 9\nx[$N] $FORM $M";
  assertEquals(link(source), ["const N = 2;", "const M = 6;", "x[2] plain 6"]);
  assertEquals(link(source, { N: 5, FORM: "odd" }), ["const N = 5;", "const M = 15;", "x[5] odd 15"]);
});

Deno.test("loops are written out, nested, and give their variable back", () => {
  const source = "#for i in 0..2\n#for j in i..(i + 2)\na_$(i)_$j\n#end\n#end\n#for i in 3..3\nnever\n#end";
  assertEquals(link(source), ["a_0_0", "a_0_1", "a_1_1", "a_1_2"]);
  assertEquals(link("#const i = 7\n#for i in 0..1\n$i\n#end\n$i"), ["const i = 7;", "0", "7"]);
  assertThrows(() => link("#for i in 0..1\n#end\n$i"), FeatherdetError, '"$i" is not defined');
});

Deno.test("conditions keep one side, also around loops and within them", () => {
  const source =
    "#const N = 1\n#if N > 1\n#for i in 0..N\nb$(i)\n#end\n#else\n#if N == 1\none\n#else\nnone\n#end\n#end\nlast";
  assertEquals(link(source), ["const N = 1;", "one", "last"]);
  assertEquals(link(source, { N: 2 }), ["const N = 2;", "b0", "b1", "last"]);
  assertEquals(link(source, { N: 0 }), ["const N = 0;", "none", "last"]);
  assertEquals(link("#for i in 0..3\n#if i % 2 == 0\neven_$i\n#end\n#end"), ["even_0", "even_2"]);
});

Deno.test("names end where letters and digits end, and expressions hold parentheses", () => {
  assertEquals(link("#const A = 1\n#const B = 2\nacc_$A_$B $(A)x $((A + B) * (B - A))"), [
    "const A = 1;",
    "const B = 2;",
    "acc_1_2 1x 3",
  ]);
});

Deno.test("a file is included once, a template every time with its own settings", () => {
  const library = {
    main: '#include "once"\n#include "once"\n#include "each" NAME=x BINDING=1\n#include "each" NAME=y BINDING=2',
    once: '#include "deep"\nonce',
    deep: "deep",
    each: '#include "once"\n$NAME at $BINDING',
  };
  assertEquals(lines(linkShader(library, "main")), ["deep", "once", "x at 1", "y at 2"]);
  const leak = { main: '#include "each" NAME=x\n$NAME', each: "$NAME" };
  assertThrows(() => linkShader(leak, "main"), FeatherdetError, 'main: "$NAME" is not defined');
});

Deno.test("faults name the file and what is wrong", () => {
  const fails = (source: string, message: string) => assertThrows(() => link(source), FeatherdetError, message);
  assertThrows(() => linkShader({}, "main"), FeatherdetError, 'there is no shader "main"');
  fails('#include "gone"', 'main: includes "gone", which does not exist');
  fails("#include gone", 'main: "#include gone" cannot be read');
  fails("#for i in 0..2\nx", "main: a #for or #if has no #end");
  fails("#if 1\nx", "main: a #for or #if has no #end");
  fails("#for i of 3\n#end", 'main: "#for i of 3" cannot be read');
  fails("#const 3", 'main: "#const 3" cannot be read');
  fails("#define X", 'main: "#define" is not a linker directive');
  fails("$X", 'main: "$X" is not defined');
  fails("#end", 'main: "#end" is not a linker directive');
});

Deno.test("every shader of the library exists under its path and is registered", async () => {
  const found: string[] = [];
  const walk = async (folder: URL, prefix: string) => {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isDirectory) await walk(new URL(`${entry.name}/`, folder), `${prefix}${entry.name}/`);
      else if (entry.name.endsWith(".wgsl")) found.push(prefix + entry.name);
    }
  };
  const root = new URL("../../shaders/", import.meta.url);
  await walk(root, "");
  assertEquals(Object.keys(SHADERS).sort(), found.sort());
  for (const [path, text] of Object.entries(SHADERS)) {
    assertEquals(text, await Deno.readTextFile(new URL(path, root)), path);
  }
});

Deno.test("parameter blocks follow the uniform layout of WGSL", () => {
  const layout = { kind: "blocked", batch: 3, channels: 5, height: 7, width: 11, columns: 4, rise: 9 } as const;
  const part = { ...layout, firstPlane: 3, firstRow: 6 };
  const bytes = packParameters({
    map: blocked(part),
    a: i32(-1),
    b: vec2i(2, -3),
    c: u32(4),
    d: f32(0.5),
    e: vec4i([1, 2, 3, 4]),
    f: u32(6),
  });
  assertEquals(bytes.byteLength, 128);
  assertEquals([...new Int32Array(bytes, 0, 7)], [11, 7, 5, 2, 3, 4, 9]);
  assertEquals([...new Float32Array(bytes, 28, 5)], [0.25, 1, 0, -128, 127]);
  assertEquals([...new Int32Array(bytes, 48, 4)], [3, 6, 0, 0]);
  // i32 at 64, vec2i at 72, u32 at 80, f32 at 84, vec4i at 96, u32 at 112.
  assertEquals([...new Int32Array(bytes, 64)], [
    -1,
    0,
    2,
    -3,
    4,
    new Int32Array(Float32Array.of(0.5).buffer)[0],
    0,
    0,
    1,
    2,
    3,
    4,
    6,
    0,
    0,
    0,
  ]);
  const int8 = packParameters({ map: blocked({ ...layout, int8: { scale: 0.5, zero: -3, low: -100 } }) });
  assertEquals([...new Float32Array(int8, 32, 4)], [0.5, -3, -100, 127]);
  assertEquals(packParameters({}).byteLength, 16);
  assertThrows(() => packParameters({ a: i32(1), map: blocked(layout) }), FeatherdetError, "byte 4");
});
