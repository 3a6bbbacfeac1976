/**
 * Counts the results in a JUnit report as `deno test` writes it, and says what failed and what took longest. It is read
 * by expressions and not by a strict parser: messages of tests may hold what XML forbids, and have to be shown all the same.
 *
 * @module
 */

/** Numbers of tests; steps of a test are part of it. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** How long one test took, its steps included. */
export interface TestDuration {
  /** The test file, as the report names it. */
  readonly file: string;
  readonly name: string;
  readonly seconds: number;
}

/** One test of a report. */
interface TestCase extends TestDuration {
  readonly outcome: keyof TestCounts;
  /** What a failed test said; empty otherwise. */
  readonly message: string;
}

/** Text of XML as it was before it was escaped. */
function unescaped(text: string): string {
  const entities: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(
    /&(lt|gt|quot|apos|amp);|&#(\d+);/g,
    (_, name, code) => entities[name] ?? String.fromCodePoint(+code),
  );
}

/** All tests of a report; a case named `parent > step`, where the file also has a case `parent`, is a step and left out. */
function* testCases(report: string): Generator<TestCase> {
  for (const [suite, file] of report.matchAll(/<testsuite\s[^>]*?name="([^"]*)"[^]*?<\/testsuite>/g)) {
    const cases = [...suite.matchAll(/<testcase name="([^"]*)"([^>]*?)(?:\/>|>([^]*?)<\/testcase>)/g)];
    const names = new Set(cases.map(([, name]) => name));
    for (const [, name, attributes, body = ""] of cases) {
      const parts = name.split(" &gt; ");
      const isStep = parts.some((_, i) => i > 0 && names.has(parts.slice(0, i).join(" &gt; ")));
      if (isStep) continue;
      const [, message] = body.match(/<(?:failure|error)[^>]*?(?:\/>|>([^]*?)<\/(?:failure|error)>)/) ?? [];
      const failed = body.includes("<failure") || body.includes("<error");
      const skipped = body.includes("<skipped");
      // A test that the filter left out is reported as skipped too, but without a time.
      if (!failed && skipped && !attributes.includes("time=")) continue;
      const outcome = failed ? "failed" : skipped ? "skipped" : "passed";
      const seconds = Number(/time="([\d.]+)"/.exec(attributes)?.[1] ?? 0);
      yield { file: unescaped(file), name: unescaped(name), seconds, outcome, message: unescaped(message ?? "") };
    }
  }
}

/** Counts test cases. */
export function countTests(report: string): TestCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of testCases(report)) counts[outcome]++;
  return counts;
}

/** What failed: a line with file and name for each test, and the first lines of what it said under it. */
export function failures(report: string): string[] {
  const failed = [...testCases(report)].filter(({ outcome }) => outcome === "failed");
  return failed.map(({ file, name, message }) => {
    const said = message.trim().split("\n").slice(0, MESSAGE_LINES).map((line) => `\n    ${line}`);
    return `FAILED ${file}: ${name}${said.join("")}`;
  });
}

/** How long each test took. */
export function durations(report: string): TestDuration[] {
  return [...testCases(report)].map(({ file, name, seconds }) => ({ file, name, seconds }));
}

/** Lines of a failure's message that are repeated at the end of a run. */
const MESSAGE_LINES = 12;

/** `N passed, N failed`, and `, N skipped` where tests were. */
export function summarize({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
